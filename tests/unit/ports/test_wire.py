"""The bytes of records: one spelling, read back as they were, and nothing that is no record gets in."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.alert import Alert, AlertChanged, Change, Evidence, Matched, Reading, Reason, Search, State
from almenara.domain.audience import Audience, Subscriber, Target, Want
from almenara.domain.errors import Rejected
from almenara.domain.event import AUDIENCE, EVENT_TYPES, SCHEMA_VERSION, Event
from almenara.domain.notice import Decision, Delivery, DeliveryState, Notice, NotSent
from almenara.ports.wire import (
    decode_alerts,
    decode_audience,
    decode_changed,
    decode_delivery,
    decode_event,
    decode_notice,
    encode,
    encode_event,
    sorted_data,
)

NOON = datetime(2030, 3, 1, 12, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
data = st.dictionaries(texts, json_values, max_size=4)
events = st.builds(
    Event,
    id=texts,
    source=texts,
    type=st.sampled_from(EVENT_TYPES),
    time=moments,
    recorded=moments,
    country=st.sampled_from(["PER", "CHL", "ZZZ"]),
    data=data,
    until=st.none() | moments,
    subject=texts,
    observation=texts,
)
evidence = st.builds(
    Evidence, id=texts, position=texts, type=texts, source=texts, time=moments, recorded=moments, data=data
)
searches = st.builds(
    Search,
    start=moments,
    end=moments,
    coverage=st.tuples(texts),
    readings=st.tuples(
        st.builds(Reading, source=texts, outcome=texts, covers_from=moments, covers_until=moments, recorded=moments)
    ),
    nearest=st.tuples(evidence),
)
alerts = st.builds(
    Alert,
    uid=texts,
    cite=texts,
    rule=texts,
    rule_version=st.integers(1, 9),
    level=texts,
    country=texts,
    countries=st.dictionaries(texts, st.tuples(texts), max_size=2),
    key=data,
    state=st.sampled_from(State),
    title=st.dictionaries(st.sampled_from(["en", "es"]), texts),
    raised_at=moments,
    updated_at=moments,
    events=st.tuples(evidence),
    matched=st.tuples(st.builds(Matched, field=texts, value=json_values, entry=st.dictionaries(texts, texts))),
    fields=data,
    search=st.none() | searches,
    checked=st.booleans(),
)
changes = st.builds(
    AlertChanged,
    id=texts,
    change=st.sampled_from(Change),
    reason=st.sampled_from(Reason),
    at=moments,
    cause=texts,
    alert=alerts,
    joined=st.tuples(evidence),
)
notices = st.builds(
    Notice,
    id=texts,
    subscriber=texts,
    decision=st.sampled_from(Decision),
    changed=changes,
    at=moments,
    due=moments,
    reason=st.none() | st.sampled_from(NotSent),
)
deliveries = st.builds(
    Delivery,
    id=texts,
    delivery=texts,
    notice=texts,
    alert=texts,
    subscriber=texts,
    channel=texts,
    state=st.sampled_from(DeliveryState),
    attempt=st.integers(1, 99),
    at=moments,
    again_at=st.none() | moments,
)


def event(**more: Any) -> Event:
    base: dict[str, Any] = {"id": "e", "source": "s", "type": "meeting.held", "time": NOON, "recorded": NOON}
    return Event(**{**base, "country": "PER", **more})


def raw(**more: Any) -> bytes:
    """A wire event with attributes changed, or left out where they are None."""
    body = {**json.loads(encode_event(event())), **more}
    return json.dumps({key: value for key, value in body.items() if value is not None}).encode()


@given(events)
def test_an_event_comes_back_as_it_was(one: Event) -> None:
    assert decode_event(encode_event(one)) == one
    assert decode_event(encode_event(one), "events/3/17") == one.at("events/3/17")


@given(events)
def test_the_bytes_are_stable(one: Event) -> None:
    body = encode_event(one)
    assert encode_event(decode_event(body)) == body


@given(data)
def test_the_order_of_keys_does_not_reach_the_bytes(value: dict[str, Any]) -> None:
    backwards = {key: value[key] for key in reversed(value)}
    assert encode_event(event(data=value)) == encode_event(event(data=backwards))
    assert list(sorted_data(value)) == sorted(value)


def test_the_bytes_are_these_for_ever() -> None:
    one = event(until=NOON + timedelta(days=1), data={"b": [1, {"z": 1, "a": "ñ"}], "a": None}, subject="")
    assert encode_event(one).decode() == (
        '{"specversion":"1.0","id":"e","source":"s","type":"meeting.held","time":"2030-03-01T12:00:00Z",'
        '"recorded":"2030-03-01T12:00:00Z","country":"PER","data":{"a":null,"b":[1,{"a":"ñ","z":1}]},'
        '"until":"2030-03-02T12:00:00Z","schemaversion":2}'
    )


def test_the_position_is_not_part_of_the_bytes() -> None:
    assert encode_event(event(position="events/3/17")) == encode_event(event())


@given(changes)
def test_changes_come_back_as_they_were(changed: AlertChanged) -> None:
    assert decode_changed(encode(changed)) == changed
    assert decode_alerts(encode(changed)) == changed
    assert encode(decode_changed(encode(changed))) == encode(changed)


@given(notices)
def test_notices_come_back_as_they_were(notice: Notice) -> None:
    assert decode_notice(encode(notice)) == notice


@given(deliveries)
def test_deliveries_come_back_as_they_were(delivery: Delivery) -> None:
    assert decode_delivery(encode(delivery)) == delivery


def test_an_audience_comes_back_as_it_was() -> None:
    target = Target(kind="mail", via="mail", address_hash="00")
    wants = (Want(countries=("PER",)), Want(tags=("a", "b"), levels=("high",)))
    audience = Audience(subscribers=(Subscriber(id="ana", wants=wants, targets=(target,)), Subscriber(id="desk")))
    assert decode_audience(encode(audience)) == audience


def test_an_activation_among_the_alerts_is_told_apart() -> None:
    activation = event(type=AUDIENCE, data={"hash": "00"})
    assert decode_alerts(encode_event(activation), "alerts/0/1") == activation.at("alerts/0/1")


def test_other_zones_are_the_same_moment_in_utc() -> None:
    found = decode_event(raw(time="2030-03-01T07:00:00-05:00", recorded="2030-03-01T12:00:00"))
    assert found.time == NOON
    assert found.time.utcoffset() == found.recorded.utcoffset() == timedelta(0)
    assert found.recorded == NOON
    lima = timezone(timedelta(hours=-5))
    assert decode_event(encode_event(event(time=NOON.astimezone(lima)))).time == NOON


def test_unknown_attributes_are_passed_over() -> None:
    assert decode_event(raw(traceparent="00-1", datacontenttype="application/json")) == event()


@pytest.mark.parametrize("version", [None, 1])
def test_an_old_statement_is_raised(version: int | None) -> None:
    old = {"speaker": "Speaker A", "speaker_country": "XAL", "speaker_office": "head_of_state", "text": "No."}
    found = decode_event(raw(type="statement.made", schemaversion=version, data=old))
    assert found.schemaversion == SCHEMA_VERSION
    speaker = {"name": "Speaker A", "country": "XAL", "office": "head_of_state"}
    assert found.data == {"speaker": speaker, "text": "No."}
    assert decode_event(encode_event(found)) == found


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(Rejected, match="newer_schema"):
        decode_event(raw(schemaversion=SCHEMA_VERSION + 1))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        encode_event(event())[:-1],
        raw(id=None),
        raw(data=None),
        raw(id=7),
        raw(time="yesterday"),
        raw(data=[1]),
        raw(schemaversion="2"),
        raw(data={"x": "X"}).replace(b'"X"', b"NaN"),
        raw(data={"x": "X"}).replace(b'"X"', b'"\xff"'),
        raw(data={"x": "X"}).replace(b'"X"', b'"\\ud800"'),
        raw(data={"x": "X"}).replace(b'"X"', b"[" * 100_000 + b"]" * 100_000),
    ],
    ids=lambda body: body[:30].decode("latin-1"),
)
def test_what_is_no_event_is_rejected(body: bytes) -> None:
    with pytest.raises(Rejected, match="undecodable"):
        decode_event(body)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_do_more_than_be_rejected(body: bytes) -> None:
    for decode in (decode_event, decode_alerts, decode_changed, decode_notice, decode_delivery):
        with pytest.raises(Rejected, match="undecodable"):
            decode(body)


def test_five_megabytes_are_read_like_any_other() -> None:
    body = raw(data={"text": "x" * 5_000_000})
    assert len(decode_event(body).data["text"]) == 5_000_000
