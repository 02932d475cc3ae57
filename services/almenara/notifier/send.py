"""Send: acts on what is due and records what came of it. It decides nothing but when to try again.

*attempting* is recorded before the world is touched; an attempt whose end nobody saw comes back as a possible
duplicate, and says so. A destination whose circuit is open is left alone: what is due for it is put off, on record.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from almenara.domain.circuit import CircuitState, Sign
from almenara.domain.ids import content_id
from almenara.domain.message import Message
from almenara.domain.notice import Beacon, Delivery, DeliveryState, DigestNotice, Notice, Sendable
from almenara.notifier.words.messages import message_of
from almenara.notifier.words.operator import Operator, operator_send
from almenara.ports.channel import Channel, Outcome, OutcomeKind
from almenara.ports.clock import Clock
from almenara.ports.log import DELIVERIES, Entry
from almenara.ports.queue import PER_DESTINATION, Claim, Refusal, SendQueue, Settlement
from almenara.ports.wire import decode_send, encode

MAX_ATTEMPTS: Final = 32
"""With the waits below about a day: an outage of a night must not lose a message."""

GIVE_UP_AFTER: Final = timedelta(days=1)
"""Nothing younger is given up: what was put off while a circuit was open counts as an attempt, too."""

CLAIM_FOR: Final = timedelta(minutes=2)
CIRCUIT_OPEN: Final = "circuit_open"
CHANNEL_REMOVED: Final = "channel_removed"
ADDRESS_CHANGED: Final = "address_changed"
_FIRST_WAIT_S: Final = 15.0
_LONGEST_WAIT_S: Final = 3_600.0
_FINAL: Final = (OutcomeKind.DELIVERED, OutcomeKind.REJECTED_PERMANENT)

log = logging.getLogger(__name__)

Address = Callable[[str, str, str], str | None]
"""(subscriber, via, address hash) -> the real address, or None when it changed since the decision."""

Linked = Callable[[Message, Sendable], Message]
"""Puts the links of its reader onto a message."""


@dataclass(frozen=True, slots=True)
class Held:
    """A claim, and until when it is held."""

    claim: Claim
    until: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """What one attempt came to, for those who watch."""

    notice: Sendable
    outcome: Outcome
    attempt: int
    possible_duplicate: bool


class Sender:
    """Works through the send queue. Several may run at once, on one machine or many; bears use by several threads."""

    def __init__(
        self,
        queue: SendQueue,
        channels: Mapping[str, Channel],
        address: Address,
        clock: Clock,
        *,
        contact: str = "",
        claim_for: timedelta = CLAIM_FOR,
        operator: Callable[[], Operator | None] = lambda: None,
        linked: Linked = lambda message, _: message,
    ) -> None:
        self._queue = queue
        self._channels = channels
        self._address = address
        self._clock = clock
        self._contact = contact
        self._claim_for = claim_for
        self._operator = operator
        self._linked = linked

    def run_once(self, limit: int = 20) -> list[Sent]:
        """Takes what is due, tries each once and records it. Empty when nothing is due."""
        return [sent for held in self.take(limit) if (sent := self.send(held)) is not None]

    def take(self, limit: int, per_destination: int = PER_DESTINATION) -> list[Held]:
        """Takes what is due: at most `limit`, and of each destination as many as there is room for."""
        now = self._clock.now()
        until = now + self._claim_for
        return [Held(claim, until) for claim in self._queue.take(now, until, limit, per_destination)]

    def send(self, held: Held) -> Sent | None:
        """Tries once and records it. None when the claim was lost. Raises what is a fault of ours, after recording."""
        claim, circuit = held.claim, held.claim.circuit
        notice = decode_send(claim.send.body)
        if circuit is not None and circuit.until and circuit.state(self._clock.now()) == CircuitState.OPEN:
            return self._settle(claim, notice, Outcome(OutcomeKind.RETRY_AFTER, CIRCUIT_OPEN), put_off=circuit.until)
        if not self._queue.attempt(claim, [self._entry(claim, notice, DeliveryState.ATTEMPTING)]):
            return None
        try:
            outcome = self._outcome(held, notice)
        except Exception as error:
            # Loud, but not for ever: it waits its turn and is given up in the end, or nobody would be told anything.
            self._settle(claim, notice, Outcome(OutcomeKind.UNKNOWN, f"failed: {type(error).__name__}"))
            raise
        return self._settle(claim, notice, outcome)

    def _settle(
        self, claim: Claim, notice: Sendable, outcome: Outcome, *, put_off: datetime | None = None
    ) -> Sent | None:
        now = self._clock.now()
        state, settlement = _settlement(claim, notice, outcome, now)
        if put_off is not None:
            state, settlement = DeliveryState.RETRY_AFTER, Settlement(put_off)
        if (
            settlement.refusal
            and isinstance(notice, Notice | DigestNotice)
            and (operator := self._operator()) is not None
        ):
            settlement = replace(settlement, tell=operator_send(operator, settlement.refusal))
        entry = self._entry(claim, notice, state, outcome, settlement.again_at)
        if not self._queue.settle(claim, settlement, [entry]):
            log.warning("the claim of delivery %s ran out while it was sent", claim.send.id)
            return None
        return Sent(notice, outcome, claim.attempt, claim.possible_duplicate)

    def _outcome(self, held: Held, notice: Sendable) -> Outcome:
        channel = self._channels.get(notice.via)
        # the beacon is for nobody: its channel knows where it goes
        nobody = isinstance(notice, Beacon)
        address = "" if nobody else self._address(notice.subscriber, notice.via, notice.address_hash)
        if channel is None or address is None:
            what = CHANNEL_REMOVED if channel is None else ADDRESS_CHANGED
            return Outcome(OutcomeKind.REJECTED_PERMANENT, what)
        left_for, _, handle = held.claim.handle.partition("/")
        message = self._message(notice, possible_duplicate=held.claim.possible_duplicate)
        if left_for == notice.address_hash:  # at another address the first message of the thread is not
            message = replace(message, handle=handle)
        if self._clock.now() >= held.until:
            # Whoever slept until now may have been given up: another one sends it, and this copy would not say so.
            return Outcome(OutcomeKind.RETRY_AFTER, "claim_ran_out")
        return channel.send(message, address)

    def _message(self, notice: Sendable, *, possible_duplicate: bool) -> Message:
        message = message_of(notice, contact=self._contact, possible_duplicate=possible_duplicate)
        return self._linked(message, notice)

    def _entry(
        self,
        claim: Claim,
        notice: Sendable,
        state: DeliveryState,
        outcome: Outcome | None = None,
        again_at: datetime | None = None,
    ) -> Entry:
        delivery = Delivery(
            id=content_id(claim.send.id, claim.attempt, state),
            delivery=claim.send.id,
            notice=notice.id if isinstance(notice, Notice) else "",
            alert=notice.changed.alert.uid if isinstance(notice, Notice) else "",
            subscriber=notice.subscriber,
            channel=notice.via,
            state=state,
            attempt=claim.attempt,
            at=self._clock.now(),
            possible_duplicate=claim.possible_duplicate,
            detail=outcome.detail if outcome else "",
            receipt=outcome.receipt if outcome else "",
            again_at=again_at,
            about="" if isinstance(notice, Notice) else notice.about,
        )
        return Entry(DELIVERIES, notice.subscriber, delivery.id, encode(delivery))


def backoff_s(attempt: int) -> float:
    """Seconds to wait after the how-manieth attempt failed: 15 s, doubled each time, an hour at most."""
    return float(min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (attempt - 1)))


def _settlement(claim: Claim, notice: Sendable, outcome: Outcome, now: datetime) -> tuple[DeliveryState, Settlement]:
    """What is recorded of an outcome, and what becomes of the send and its destination."""
    settlement = Settlement(
        doubt=outcome.kind == OutcomeKind.UNKNOWN or (claim.possible_duplicate and outcome.kind not in _FINAL),
        handle=f"{notice.address_hash}/{outcome.handle}" if outcome.handle else "",
        sign=_sign(outcome, now),
        refusal=_refusal(claim, notice, outcome, now),
        accepted=notice.subscriber if outcome.kind == OutcomeKind.DELIVERED else "",
    )
    if outcome.kind in _FINAL:
        return DeliveryState(str(outcome.kind)), replace(settlement, doubt=False)
    if claim.attempt >= MAX_ATTEMPTS and now - notice.due >= GIVE_UP_AFTER:
        return DeliveryState.GIVEN_UP, replace(settlement, doubt=False)
    wait = max(outcome.retry_after_s or 0.0, backoff_s(claim.attempt))
    return DeliveryState(str(outcome.kind)), replace(settlement, again_at=now + timedelta(seconds=wait))


def _sign(outcome: Outcome, now: datetime) -> Sign | None:
    """What an outcome says of the destination; None when it says nothing (the message alone was judged)."""
    wait_s = outcome.retry_after_s or 0.0
    if outcome.kind == OutcomeKind.DELIVERED or outcome.down or wait_s:
        return Sign(at=now, up=not outcome.down, error=outcome.detail, wait_s=wait_s)
    return None


def _refusal(claim: Claim, notice: Sendable, outcome: Outcome, now: datetime) -> Refusal | None:
    # what the configuration took away nobody refused
    if outcome.kind != OutcomeKind.REJECTED_PERMANENT or outcome.detail in (CHANNEL_REMOVED, ADDRESS_CHANGED):
        return None
    return Refusal(
        destination=notice.via,
        subscriber="" if outcome.for_all else notice.subscriber,
        cause=outcome.detail,
        at=now,
        delivery=claim.send.id,
    )
