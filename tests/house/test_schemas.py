"""The shipped schemas are what the code says, are valid, and fit what is really written into the log."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from jsonschema import Draft202012Validator, ValidationError

from almenara.adapters.kafka.topics import INBOX, topic_of
from almenara.adapters.kafka.wire import headers_of
from almenara.adapters.memory import MemoryStore
from almenara.cli.schemas import files, main, stale, write
from almenara.domain.event import COMMANDS, EVENT_TYPES, SCHEMA_VERSION, Event
from almenara.domain.notice import Delivery, DeliveryState
from almenara.ports.log import ALERTS, DELIVERIES, EVENTS, GENESIS, NOTICES, REJECTED, STREAMS, Record
from almenara.ports.schemas import asyncapi, schemas
from almenara.ports.wire import decode_event, encode, encode_event
from case_files import ROOT, load_case
from case_run import bodies, case_entries, run_embedded

SHIPPED = ROOT / "docs" / "schemas"
NOON = datetime(2030, 3, 1, 12, tzinfo=UTC)


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schemas()[name])


def check(name: str, body: bytes) -> None:
    validator(name).validate(json.loads(body))


def event(type_: str, **data: Any) -> Event:
    return Event(id="e-1", source="test", type=type_, time=NOON, recorded=NOON, country="PER", data=data)


def test_the_shipped_files_are_what_the_code_says() -> None:
    assert stale(SHIPPED) == [], "run `make schemas` and commit"


def test_there_is_a_schema_for_every_event_type_and_every_stream_of_records() -> None:
    assert set(schemas()) == {*EVENT_TYPES, ALERTS, NOTICES, DELIVERIES, REJECTED}


@pytest.mark.parametrize("name", [*EVENT_TYPES, ALERTS, NOTICES, DELIVERIES, REJECTED])
def test_every_schema_is_valid(name: str) -> None:
    Draft202012Validator.check_schema(json.loads((SHIPPED / f"{name}.json").read_text("utf-8")))


@pytest.mark.parametrize("case", ["peru", "almoria"])
def test_every_event_of_a_case_fits_its_schema(case: str) -> None:
    events = load_case(case).events
    assert events
    for one in events:
        check(one.type, encode_event(one))


@cache
def recorded() -> dict[str, list[tuple[str, str, bytes]]]:
    store = MemoryStore(4)
    run_embedded(store, case_entries(every=24))
    return bodies(store)


@pytest.mark.parametrize("stream", [EVENTS, ALERTS, NOTICES, REJECTED])
def test_every_record_of_a_run_fits_its_schema(stream: str) -> None:
    records = recorded()[stream]
    assert records or stream == REJECTED
    for _, _, body in records:
        name = json.loads(body)["type"] if body.startswith(b'{"specversion"') else stream
        check(name, body)


def test_deliveries_and_refusals_fit_their_schemas() -> None:
    delivery = Delivery(
        id="d", delivery="x", notice="n", alert="a", subscriber="ana", channel="mail",
        state=DeliveryState.RETRY_AFTER, attempt=1, at=NOON, again_at=NOON,
    )  # fmt: skip
    check(DELIVERIES, encode(delivery))
    for refusal in (
        {"position": "events/3/17", "id": "e", "by": "rules", "reason": "failed", "detail": "KeyError: 'x'"},
        {"position": "events/3/17", "id": "e", "by": "unregistered_meeting", "reason": "late"},
        {"by": "sender", "sha256": "0" * 64, "place": 0, "reason": "missing_id", "detail": "the id is blank"},
        {"by": "intake", "source": "pe_gestion", "id": "item 3", "reason": "empty_item", "detail": ""},
    ):
        check(REJECTED, encode(refusal))


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("source.checked", {"source": {"id": "s"}, "outcome": "new"}),
        ("source.checked", {"source": {"id": "s"}, "covers": {"from": "a", "until": "b"}, "outcome": "fine"}),
        ("event.withdrawn", {}),
        ("event.corrected", {"of": "e-0"}),
        ("ruleset.activated", {"hash": "abc", "engine": "1"}),
        ("alert.judge", {"alert": "a", "judgement": "maybe"}),
        ("statement.made", {"text": "x" * 301}),
        ("list.changed", {"countries": {"affected": ["Peru"]}}),
    ],
)
def test_data_that_a_rule_or_message_could_not_use_does_not_fit(type_: str, data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check(type_, encode_event(event(type_, **data)))


@pytest.mark.parametrize("type_", sorted(set(EVENT_TYPES) - {"tick"}))
def test_unknown_fields_are_allowed(type_: str) -> None:
    given = next((e for e in examples() if e["type"] == type_), None)
    assert given is not None, f"docs/events.md has no example of {type_}"
    validator(type_).validate({**given, "extension": 1, "data": {**given["data"], "more": {"of": ["it"]}}})


def test_the_cloudevents_sdk_reads_what_is_written() -> None:
    one = load_case("peru").events[0]
    body = encode_event(one)
    record = Record(EVENTS, 0, 1, one.country, one.id, body, GENESIS)
    found = from_structured_event(KafkaMessage(dict(headers_of(record)), one.country.encode(), body))
    assert (found.get_id(), found.get_type(), found.get_source()) == (one.id, one.type, one.source)
    assert found.get_time() == one.time
    assert found.get_extension("country") == one.country
    assert found.get_data() == json.loads(body)["data"]


def test_every_event_type_is_a_cloudevent_to_the_sdk() -> None:
    for type_ in EVENT_TYPES:
        body = encode_event(event(type_, flags=["future"]))
        message = KafkaMessage({"content-type": b"application/cloudevents+json"}, b"PER", body)
        assert from_structured_event(message).get_type() == type_


def test_a_statement_of_version_1_is_raised_to_version_2_and_fits() -> None:
    old = json.loads(encode_event(event("statement.made")))
    old |= {"schemaversion": 1, "data": {"speaker": "Speaker A", "speaker_country": "XAL", "text": "No."}}
    found = decode_event(json.dumps(old).encode())
    assert found.schemaversion == SCHEMA_VERSION
    assert found.data == {"speaker": {"name": "Speaker A", "country": "XAL"}, "text": "No."}
    check("statement.made", encode_event(found))
    with pytest.raises(ValidationError):
        validator("statement.made").validate(old)


# --- the AsyncAPI document ---


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from [inner] if key == "$ref" else refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs(inner)


def test_the_channels_are_the_topics() -> None:
    channels = asyncapi()["channels"]
    assert {c["address"] for c in channels.values()} == {topic_of(stream) for stream in (*STREAMS, INBOX)}
    assert asyncapi()["operations"].keys() == channels.keys()


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi()
    for ref in refs(document):
        if ref.startswith("./"):
            assert (SHIPPED / ref).is_file(), ref
            continue
        found: Any = document
        for part in ref.removeprefix("#/").split("/"):
            found = found[part]


def test_the_headers_are_those_of_the_wire() -> None:
    written = {name for name, _ in headers_of(Record(ALERTS, 0, 1, "PER", "a", b"{}", GENESIS))}
    described = asyncapi()["components"]["schemas"]["headers"]
    assert set(described["properties"]) == set(described["required"]) == written


# --- the command ---


def test_the_command_mends_and_checks_a_folder(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert run(main, ["--check", str(tmp_path)]).exit_code == 1
    assert run(main, [str(tmp_path)]).exit_code == 0
    assert run(main, ["--check", str(tmp_path)]).exit_code == 0
    (tmp_path / "old.json").write_text("{}")
    (tmp_path / "tick.json").write_text("{}")
    result = run(main, ["--check", str(tmp_path)])
    assert result.exit_code == 1
    assert "tick.json is out of date" in result.output
    assert write(tmp_path) == ["old.json", "tick.json"]
    assert {path.name for path in tmp_path.iterdir()} == set(files())


# --- the documents ---


@cache
def blocks() -> list[dict[str, Any]]:
    """Every JSON example of docs/events.md."""
    text = (ROOT / "docs" / "events.md").read_text("utf-8")
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def examples() -> list[dict[str, Any]]:
    return [block for block in blocks() if "specversion" in block]


def test_the_documented_examples_fit() -> None:
    assert {block["type"] for block in examples()} == set(EVENT_TYPES)
    for block in examples():
        validator(block["type"]).validate(block)
        assert decode_event(json.dumps(block).encode()).type == block["type"]


def test_the_documented_records_of_the_other_streams_fit() -> None:
    named = {"change": ALERTS, "decision": NOTICES, "attempt": DELIVERIES, "by": REJECTED}
    found = set()
    for block in blocks():
        if "specversion" not in block:
            stream = next(name for key, name in named.items() if key in block)
            validator(stream).validate(block)
            found.add(stream)
    assert found == set(named.values())


def test_commands_name_their_alert() -> None:
    for command in COMMANDS:
        with pytest.raises(ValidationError):
            check(command, encode_event(event(command, by="ana", judgement="true")))


def rejection_reasons() -> set[str]:
    """The first argument of every `Rejected(...)` in the code, where it is a literal or a constant of some module."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "services").rglob("*.py"))]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    constants = {
        node.target.id: node.value.value
        for node in nodes
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Rejected" and node.args:
            reason = node.args[0]
            if isinstance(reason, ast.Constant):
                found.add(str(reason.value))
            elif isinstance(reason, ast.Name) and reason.id.isupper():
                found.add(str(constants[reason.id]))
    return found


def test_every_reason_to_reject_is_explained() -> None:
    text = (ROOT / "docs" / "reasons.md").read_text("utf-8")
    assert len(rejection_reasons()) > 20
    assert sorted(reason for reason in {*rejection_reasons(), "late", "failed"} if f"`{reason}`" not in text) == []
