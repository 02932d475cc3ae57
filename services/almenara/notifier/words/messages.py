"""The message of whatever is sent: a notice, a digest, what the operator is told, the beacon. Pure."""

from almenara.domain.message import Message
from almenara.domain.notice import Beacon, DigestNotice, OperatorNotice, Sendable
from almenara.notifier.words.compose import compose
from almenara.notifier.words.operator import compose_operator
from almenara.notifier.words.say_digest import compose_digest


def message_of(item: Sendable, *, contact: str = "", possible_duplicate: bool = False) -> Message:
    """What its reader reads. `contact` is where an error is reported; empty leaves it out."""
    if isinstance(item, Beacon):
        return _beacon(item)
    if isinstance(item, OperatorNotice):
        return compose_operator(item, possible_duplicate=possible_duplicate)
    if isinstance(item, DigestNotice):
        return compose_digest(item, contact=contact, possible_duplicate=possible_duplicate)
    return compose(item, contact=contact, possible_duplicate=possible_duplicate)


def _beacon(beacon: Beacon) -> Message:
    """Nobody reads it: what listens outside only has to hear that it came."""
    return Message(
        id=beacon.delivery,
        thread=beacon.delivery,
        language="en",
        level="informational",
        level_word="",
        dot="",
        country="",
        headline=f"Almenara: beacon of {beacon.slot:%Y-%m-%d %H:%M} UTC",
        paragraphs=(),
        caution="",
        reference="",
        why_you="",
    )
