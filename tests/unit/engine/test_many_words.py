"""Many words of one field are looked for together: the same holds, and is told, as one by one, whatever the text."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.expression import MANY, And, Field, Node, Or, Text
from almenara.engine.matching.condition import compile_condition, predicate_of
from almenara.engine.matching.quick import quick
from almenara.engine.view import View

NOW = datetime(2030, 3, 1, tzinfo=UTC)
LETTERS = st.sampled_from(["a", "b", "A", "ß", "é", "É", "日", "\ud83d", "\U0001f600", " "])
WORDS = st.text(LETTERS, max_size=3)
SHAPES = st.sampled_from([(MANY, "", MANY), (MANY, ""), ("", MANY), ("",)])


def field(word: str, shape: tuple[int | str, ...]) -> Node:
    return Field("x", Text(tuple(part if isinstance(part, int) else word for part in shape)))


@given(
    words=st.lists(WORDS, min_size=1, max_size=12, unique=True),
    more=st.lists(st.tuples(WORDS.filter(bool), SHAPES), max_size=3),
    texts=st.lists(st.text(LETTERS, max_size=8), max_size=3),
)
def test_together_as_one_by_one(
    words: list[str], more: list[tuple[str, tuple[int | str, ...]]], texts: list[str]
) -> None:
    inside = [field(word, (MANY, "", MANY)) for word in words]
    others = [field(word, shape) for word, shape in more]
    view = View(
        Event(id="1", source="t", type="x", time=NOW, recorded=NOW, country="XAL", data={"x": texts, "y": "A"}), {}
    )
    elsewhere = Field("y", Text(("a",)))
    for node in (Or(tuple(inside)), Or((*inside, elsewhere, *others)), And((Or(tuple(inside)), *others))):
        assert quick(node, {})(view) == predicate_of(node, {})(view)
        condition = compile_condition(node, {})
        told = [
            (leaf.field, one) for leaf in condition.leaves for one in view.values(leaf.field) if leaf.test(view, one)
        ]
        assert [(matched.field, matched.value) for matched in condition.why(view, {})] == list(dict.fromkeys(told))
