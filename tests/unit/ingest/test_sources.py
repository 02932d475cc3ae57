"""sources.yaml: every fault at once, at its place; the shipped file is right."""

from pathlib import Path

import pytest

from almenara.domain.errors import Fault
from almenara.engine.reading.documents import read
from almenara.ingest.register import headers_of
from almenara.ingest.sources import SourceSpec, parse_sources

SHIPPED = Path(__file__).parents[3] / "config" / "sources.yaml"


def parsed(text: str) -> tuple[list[SourceSpec], list[Fault]]:
    documents, faults = read(text, "sources.yaml")
    assert faults == []
    return parse_sources(documents)


def test_the_shipped_sources_are_right() -> None:
    specs, faults = parsed(SHIPPED.read_text(encoding="utf-8"))
    assert faults == []
    by_id = {spec.id: spec for spec in specs}
    assert by_id["pe_gestion"].every_s == 600
    palace = by_id["pe_palace_visits"]
    assert (palace.kind, palace.publish_lag_s, palace.drop_fields) == (
        "register_import",
        3 * 86_400,
        ("document_number",),
    )
    assert {spec.kind for spec in specs} == {"feed", "register_import", "list_edition"}
    for spec in specs:
        headers_of(spec)


def test_every_fault_at_once_at_its_line() -> None:
    specs, faults = parsed(
        "a:\n"
        "  kind: fed\n"
        "  url: 'https://x.example/rss'\n"
        "  country: PER\n"
        "b:\n"
        "  kind: feed\n"
        "  evry: 10m\n"
        "  country: pe\n"
        "  url: 'ftp://x.example'\n"
        "c: {kind: register_import, country: PER, zone: Lima/America, covers: 'visits', keep_rows: some}\n"
        "D d: {kind: inbox}\n"
        "e: 3\n"
        "f: {kind: feed, url: 'https://x.example/rss', country: PER, every: 10s}\n"
        "g: {kind: inbox, reliability: G, columns: [a], drop_fields: a, publish_lag: 3}\n"
        "fine: {kind: webhook, country: PER}\n"
    )
    assert [spec.id for spec in specs] == ["fine"]
    said = [(fault.line, fault.what, fault.cure) for fault in faults]
    for line, what, cure in [
        (2, "unknown kind 'fed'", "did you mean 'feed'?"),
        (7, "unknown key 'evry'", "did you mean 'every'?"),
        (8, "country: is no country", "three capital letters"),
        (9, "url: is no web address", "https://host/path"),
        (10, "zone: is no time zone", "IANA"),
        (10, "keep_rows: is not one of", "watched, all"),
        (11, "'D d' cannot name", "at most 64"),
        (12, "a source is a map", "kind: feed"),
        (13, "every: is too often", "1m"),
        (14, "reliability: is not", "A, B"),
        (14, "columns: is not a map", "visitor"),
        (14, "drop_fields: is not a list", "[one, two]"),
        (14, "publish_lag: is not a duration", "10m"),
    ]:
        assert any(line == at and what in said_what and cure in said_cure for at, said_what, said_cure in said), what
    assert len(faults) == 13


@pytest.mark.parametrize(
    "url", ["https://u:p4ss@x.example/", "http://[::1", "https:///x", "https://x.example/a b", "x"]
)
def test_an_address_with_a_password_or_none_at_all(url: str) -> None:
    specs, [fault] = parsed(f"a: {{kind: feed, country: PER, url: '{url}'}}")
    assert specs == []
    assert "p4ss" not in str(fault)


def test_what_is_missing() -> None:
    _, faults = parsed("a: {kind: feed}\nb: {url: 'https://x.example'}\n")
    assert [(f.line, f.what) for f in faults] == [
        (1, "'url' is missing"),
        (1, "'country' is missing"),
        (2, "kind is missing"),
    ]


def test_a_source_stands_once_over_all_documents() -> None:
    specs, faults = parsed("a: {kind: inbox}\n---\na: {kind: inbox}\n---\n[]\n")
    assert [spec.id for spec in specs] == ["a"]
    assert [(f.line, f.what) for f in faults] == [(3, "the source 'a' stands twice"), (5, "not a map of sources")]
