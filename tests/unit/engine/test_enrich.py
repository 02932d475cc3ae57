"""What the enricher writes: ids beside names, who an article mentions; and what it leaves alone."""

from datetime import UTC, datetime
from typing import Any

from almenara.domain.event import Event
from almenara.engine.enrich import Enricher
from almenara.engine.rhetoric import LexiconScorer
from almenara.engine.watchlist import parse

NOW = datetime(2030, 3, 1, tzinfo=UTC)
LISTS = {
    "contacts": "id,name,aliases\np-1,José Ñandú,Pepe\no-1,COSCO Shipping,Cosco\n",
    "officials": "id,name,aliases\np-2,Ana Quispe,\np-3,Pepe Lucho,Pepe\n",
}
ENRICHER = Enricher([parse(name, text, name)[0] for name, text in LISTS.items()], LexiconScorer([]))


def enriched(type_: str, data: dict[str, Any]) -> Any:
    event = Event(id="1", source="t", type=type_, time=NOW, recorded=NOW, country="XAL", data=data)
    return ENRICHER.enrich(event).data


def test_ids_stand_beside_names_wherever_they_are() -> None:
    data = {"official": {"name": "ANA QUISPE"}, "others": [{"name": "jose nandu"}, [{"name": "Cosco"}]], "n": 1}
    assert enriched("meeting.held", data) == {
        "official": {"name": "ANA QUISPE", "id": "p-2"},
        "others": [{"name": "jose nandu", "id": "p-1"}, [{"name": "Cosco", "id": "o-1"}]],
        "n": 1,
    }
    assert data["official"] == {"name": "ANA QUISPE"}


def test_an_id_that_is_there_stays_and_a_name_of_two_gets_none() -> None:
    data = {"official": {"name": "Ana Quispe", "id": "x"}, "other": {"name": "Pepe"}, "third": {"name": None}}
    assert enriched("meeting.held", data) is data


def test_an_article_gets_those_it_names_in_order() -> None:
    article = {"title": "COSCO responde", "summary": {"es": "Según Ana Quispe, «José Ñandú» y Cosco…", "n": 1}}
    assert enriched("article.published", article)["mentioned"] == [
        {"id": "o-1", "name": "COSCO Shipping"},
        {"id": "p-2", "name": "Ana Quispe"},
        {"id": "p-1", "name": "José Ñandú"},
    ]


def test_who_is_named_already_or_nowhere_is_left_alone() -> None:
    assert enriched("article.published", {"title": "Cosco", "mentioned": []})["mentioned"] == []
    assert "mentioned" not in enriched("article.published", {"title": "Costar S.A.", "quote": 3})
    assert "mentioned" not in enriched("statement.made", {"title": "Cosco"})
