"""Tokens of links: bound to what they say, to the key and to a time; nothing that was changed is taken."""

import hashlib
import hmac
import string
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from almenara.console.links import MAX_TOKEN, Action, LinkTo, Refusal, sign, verify

KEY = b"a key of the tests, made up"
NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
UID = "2v9c7h4n00000000000000000q"
NAMES = st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=64)


@st.composite
def links(draw: st.DrawFn) -> LinkTo:
    action = draw(st.sampled_from(Action))
    alert = "" if action == Action.UNSUBSCRIBE else draw(NAMES)
    expires = NOW + timedelta(seconds=draw(st.integers(1, 10**9)))
    return LinkTo(action=action, alert=alert, subscriber=draw(NAMES), via=draw(NAMES), expires=expires)


def link(**more: object) -> LinkTo:
    given_: dict[str, object] = {
        "action": Action.ACKNOWLEDGE,
        "alert": UID,
        "subscriber": "ana",
        "via": "mail",
        "expires": NOW + timedelta(days=30),
    }
    return LinkTo(**(given_ | more))  # type: ignore[arg-type]


@given(links())
def test_a_token_says_what_was_signed(made: LinkTo) -> None:
    token = sign(made, KEY)
    assert verify(token, KEY, NOW) == made
    assert len(token) <= MAX_TOKEN
    assert set(token) <= set(string.ascii_letters + string.digits + "-_.")
    assert token[-1] in string.hexdigits


@given(links(), links())
def test_different_links_have_different_tokens_and_ids(one: LinkTo, other: LinkTo) -> None:
    assume(one != other)
    assert sign(one, KEY) != sign(other, KEY)
    assert one.id != other.id


@given(links(), st.data())
def test_one_changed_character_is_refused(made: LinkTo, data: st.DataObject) -> None:
    token = sign(made, KEY)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(exclude_characters=token[place]))
    found = verify(token[:place] + other + token[place + 1 :], KEY, NOW)
    assert found in (Refusal.FORGED, Refusal.MALFORMED)


@given(st.text(max_size=800) | st.binary(max_size=600).map(lambda raw: raw.decode("latin-1")))
def test_no_text_is_taken(text: str) -> None:
    assert isinstance(verify(text, KEY, NOW), Refusal)


@given(links(), st.integers(0, 4), st.text("=A \n.", min_size=1, max_size=3))
def test_cut_or_longer_is_refused(made: LinkTo, cut: int, more: str) -> None:
    token = sign(made, KEY)
    assert isinstance(verify(token + more, KEY, NOW), Refusal)
    assert isinstance(verify(more + token, KEY, NOW), Refusal)
    assert isinstance(verify(token[cut + 1 :], KEY, NOW), Refusal)
    assert isinstance(verify(token[: -cut - 1], KEY, NOW), Refusal)


def test_the_words_of_one_and_the_signature_of_another_are_refused() -> None:
    mine, other = sign(link(), KEY), sign(link(subscriber="ben"), KEY)
    mixed = f"{other.partition('.')[0]}.{mine.partition('.')[2]}"
    assert verify(mixed, KEY, NOW) == Refusal.FORGED


def test_another_key_is_refused() -> None:
    assert verify(sign(link(), b"another key, made up, too"), KEY, NOW) == Refusal.FORGED


def test_it_expires_to_the_second() -> None:
    made = link()
    token = sign(made, KEY)
    assert verify(token, KEY, made.expires - timedelta(microseconds=1)) == made
    assert verify(token, KEY, made.expires) == Refusal.EXPIRED
    assert verify(token, KEY, made.expires + timedelta(days=400)) == Refusal.EXPIRED


def test_a_forged_one_does_not_learn_whether_it_expired() -> None:
    made = link(expires=NOW - timedelta(days=1))
    assert verify(sign(made, b"another key, made up, too"), KEY, NOW) == Refusal.FORGED


@pytest.mark.parametrize(
    "wrong",
    [
        {"alert": ""},
        {"action": Action.UNSUBSCRIBE},
        {"subscriber": ""},
        {"via": "x" * 65},
        {"subscriber": "año"},
        {"alert": "a\nb"},
        {"expires": datetime(1969, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_no_link_can_say_is_not_signed(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        sign(link(**wrong), KEY)


def test_what_another_release_signed_is_not_taken() -> None:
    for said in (
        b"[2]",
        b'{"a": 1}',
        b"\xff",
        b'[1,"fly","u","ana","mail",4102444800]',
        b'[1,"why","u","ana","m",1e400]',
    ):
        text = urlsafe_b64encode(said).rstrip(b"=").decode()
        mac = hmac.new(KEY, b"almenara/link\0" + text.encode(), hashlib.sha256).hexdigest()
        assert verify(f"{text}.{mac}", KEY, NOW) == Refusal.MALFORMED
