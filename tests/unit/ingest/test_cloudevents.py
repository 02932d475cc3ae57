"""CloudEvents into drafts: strict, and a bad item never stops the rest."""

import contextlib
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.errors import Rejected
from almenara.ingest.cloudevents import MAX_LINE_BYTES, from_json, read_document, read_jsonl
from almenara.ingest.draft import Draft, stamp

NOW = datetime(2026, 1, 11, 17, tzinfo=UTC)


def event(**changes: Any) -> dict[str, Any]:
    made = {
        "specversion": "1.0",
        "id": "a-1",
        "source": "https://press.example/desk",
        "type": "meeting.held",
        "time": "2025-12-26T21:00:00-05:00",
        "country": "PER",
        "data": {"official": {"name": "Official A"}},
        **changes,
    }
    return {name: value for name, value in made.items() if value is not ...}


def line(**changes: Any) -> bytes:
    return json.dumps(event(**changes)).encode()


def test_a_cloudevent_becomes_a_draft() -> None:
    draft = from_json(event(recorded="2026-01-11T17:00:00Z", until="2025-12-27T05:00:00Z", subject="x"), prefix="p:")
    assert (draft.id, draft.source, draft.type, draft.subject) == (
        "p:a-1",
        "p:https://press.example/desk",
        "meeting.held",
        "x",
    )
    assert draft.time == datetime(2025, 12, 27, 2, tzinfo=UTC)
    assert draft.recorded == NOW
    assert draft.countries_key == ("PER",)


def test_several_countries() -> None:
    assert from_json(event(country="PER, CHL")).countries_key == ("PER", "CHL")


def test_an_old_schema_is_raised_to_the_current_one() -> None:
    draft = from_json(event(type="statement.made", schemaversion=1, data={"speaker": "A", "speaker_country": "XAL"}))
    assert draft.data == {"speaker": {"name": "A", "country": "XAL"}}


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("missing_id", {"id": ...}),
        ("missing_id", {"id": ""}),
        ("missing_id", {"id": "  "}),
        ("missing_id", {"id": 7}),
        ("missing_source", {"source": ...}),
        ("missing_type", {"type": ...}),
        ("bad_specversion", {"specversion": ...}),
        ("bad_specversion", {"specversion": "0.3"}),
        ("bad_specversion", {"specversion": 1.0}),
        ("bad_time", {"time": ...}),
        ("bad_time", {"time": "2026-01-05"}),
        ("bad_time", {"time": "2026-01-05T10:00:00"}),
        ("bad_time", {"time": "2026-13-05T10:00:00Z"}),
        ("bad_time", {"time": 1767607200}),
        ("bad_time", {"recorded": "yesterday"}),
        ("bad_time", {"until": "02/03/2026"}),
        ("bad_country", {"country": ["PER"]}),
        ("bad_data", {"data": [1]}),
        ("bad_data", {"data": "text"}),
        ("bad_data", {"data_base64": "aGk="}),
        ("bad_data", {"schemaversion": "2"}),
        ("bad_data", {"subject": 3}),
        ("newer_schema", {"schemaversion": 99}),
    ],
)
def test_what_is_wrong_is_named(reason: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        from_json(event(**changes))
    assert caught.value.reason == reason
    assert 10 < len(caught.value.detail) < 300


@pytest.mark.parametrize("value", [None, 3, "text", [], True])
def test_what_is_no_object(value: object) -> None:
    with pytest.raises(Rejected, match="undecodable"):
        from_json(value)


def test_a_missing_country_is_found_by_the_stamp() -> None:
    with pytest.raises(Rejected, match="bad_country"):
        stamp(from_json(event(country=...)), NOW)


def test_a_date_in_2099_is_kept_and_flagged() -> None:
    [made] = stamp(from_json(event(time="2099-01-01T00:00:00Z")), NOW)
    assert made.data["flags"] == ["future"]


BAD_LINES = [
    ("undecodable", b"{"),
    ("undecodable", b'{"a": NaN}'),
    ("undecodable", b'{"a": Infinity}'),
    ("undecodable", b'{"a": 1e999}'),
    ("undecodable", b'"\xff\xfe"'),
    ("undecodable", b'{"specversion": "1.0", "id": "\xc3\x28"}'),
    ("undecodable", b'{"a":' * 100_000),
    ("undecodable", b"[" * 200 + b"]" * 200),
    ("undecodable", b"[]"),
    ("too_large", b'{"text": "' + b"a" * 5_000_000 + b'"}'),
    ("missing_id", line(id=...)),
]


@pytest.mark.parametrize(("reason", "bad"), BAD_LINES)
@pytest.mark.parametrize("how", ["bytes", "file", "list"])
def test_a_bad_line_never_stops_the_rest(reason: str, bad: bytes, how: str) -> None:
    text = b"\n".join([line(id="1"), b"", bad, line(id="4")])
    source: Any = {"bytes": text, "file": io.BytesIO(text), "list": text.splitlines(keepends=True)}[how]
    found = list(read_jsonl(source))
    assert [number for number, _ in found] == [1, 3, 4]
    first, refused, last = (item for _, item in found)
    assert isinstance(first, Draft)
    assert isinstance(last, Draft)
    assert (first.id, last.id) == ("1", "4")
    assert isinstance(refused, Rejected)
    assert refused.reason == reason
    assert len(refused.detail) < 300


def test_a_line_of_exactly_one_mebibyte_is_taken() -> None:
    padding = MAX_LINE_BYTES - len(line(data={"x": ""}))
    full = line(data={"x": "a" * padding})
    assert len(full) == MAX_LINE_BYTES
    found = [item for _, item in read_jsonl(full + b"\n" + full + b"b\n" + line(id="3"))]
    assert [isinstance(item, Draft) for item in found] == [True, False, True]


def test_a_batch_is_an_array() -> None:
    body = json.dumps([event(id="1"), event(id=...), 7, event(id="4")]).encode()
    found = read_document(body, prefix="p:")
    assert [item.id if isinstance(item, Draft) else item.reason for item in found] == [
        "p:1",
        "missing_id",
        "undecodable",
        "p:4",
    ]


def test_a_mark_of_byte_order_is_passed_over() -> None:
    [(number, item)] = read_jsonl(b"\xef\xbb\xbf" + line())
    assert (number, isinstance(item, Draft)) == (1, True)


@given(st.binary(max_size=300))
def test_no_bytes_raise(body: bytes) -> None:
    assert read_document(body)
    list(read_jsonl(body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from([*event(), "recorded", "until", "schemaversion", "subject"]), JSON))
def test_no_json_raises_anything_else(changes: dict[str, Any]) -> None:
    with contextlib.suppress(Rejected):
        stamp(from_json(event(**changes)), NOW)
