"""Send: acts on what is due and records what came of it. It decides nothing but when to try again.

*attempting* is recorded before the world is touched; an attempt whose end nobody saw comes back as a possible
duplicate, and says so.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from almenara.domain.alert import Alert
from almenara.domain.ids import content_id
from almenara.domain.notice import Delivery, DeliveryState, Notice
from almenara.notifier.compose import compose
from almenara.ports.channel import Channel, Outcome, OutcomeKind
from almenara.ports.clock import Clock
from almenara.ports.log import DELIVERIES, Entry
from almenara.ports.queue import Claim, SendQueue, Settlement
from almenara.ports.wire import decode_notice, encode

MAX_ATTEMPTS: Final = 32
"""With the waits below about a day: an outage of a night must not lose a message."""

CLAIM_FOR: Final = timedelta(minutes=2)
_FIRST_WAIT_S: Final = 15.0
_LONGEST_WAIT_S: Final = 3_600.0
_FINAL: Final = (OutcomeKind.DELIVERED, OutcomeKind.REJECTED_PERMANENT)

log = logging.getLogger(__name__)

Address = Callable[[str, str, str], str | None]
"""(subscriber, via, address hash) -> the real address, or None when it changed since the decision."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one attempt came to, for those who watch."""

    notice: Notice
    outcome: Outcome
    attempt: int
    possible_duplicate: bool


class Sender:
    """Works through the send queue. Several may run at once, on one machine or many."""

    def __init__(
        self,
        queue: SendQueue,
        channels: Mapping[str, Channel],
        address: Address,
        clock: Clock,
        *,
        contact: str = "",
        claim_for: timedelta = CLAIM_FOR,
    ) -> None:
        self._queue = queue
        self._channels = channels
        self._address = address
        self._clock = clock
        self._contact = contact
        self._claim_for = claim_for

    def run_once(self, limit: int = 20) -> list[Sent]:
        """Takes what is due, tries each once and records it. Empty when nothing is due."""
        now = self._clock.now()
        until = now + self._claim_for
        claims = self._queue.take(now, until, limit)
        return [sent for claim in claims if (sent := self._try(claim, until)) is not None]

    def _try(self, claim: Claim, until: datetime) -> Sent | None:
        notice = decode_notice(claim.send.body)
        if not self._queue.attempt(claim, [self._entry(claim, notice, DeliveryState.ATTEMPTING)]):
            return None
        try:
            outcome = self._outcome(claim, notice, until)
        except Exception as error:
            # Loud, but not for ever: it waits its turn and is given up in the end, or nobody would be told anything.
            self._settle(claim, notice, Outcome(OutcomeKind.UNKNOWN, f"failed: {type(error).__name__}"))
            raise
        return self._settle(claim, notice, outcome)

    def _settle(self, claim: Claim, notice: Notice, outcome: Outcome) -> Sent | None:
        state, settlement = self._settlement(claim, outcome)
        entry = self._entry(claim, notice, state, outcome, settlement.again_at)
        if not self._queue.settle(claim, settlement, [entry]):
            log.warning("the claim of delivery %s ran out while it was sent", claim.send.id)
            return None
        return Sent(notice, outcome, claim.attempt, claim.possible_duplicate)

    def _outcome(self, claim: Claim, notice: Notice, until: datetime) -> Outcome:
        channel = self._channels.get(notice.via)
        address = self._address(notice.subscriber, notice.via, notice.address_hash)
        if channel is None or address is None:
            what = "channel_removed" if channel is None else "address_changed"
            return Outcome(OutcomeKind.REJECTED_PERMANENT, what)
        message = compose(notice, contact=self._contact, possible_duplicate=claim.possible_duplicate)
        if self._clock.now() >= until:
            # Whoever slept until now may have been given up: another one sends it, and this copy would not say so.
            return Outcome(OutcomeKind.RETRY_AFTER, "claim_ran_out")
        return channel.send(message, address)

    def _settlement(self, claim: Claim, outcome: Outcome) -> tuple[DeliveryState, Settlement]:
        doubt = outcome.kind == OutcomeKind.UNKNOWN or (claim.possible_duplicate and outcome.kind not in _FINAL)
        if outcome.kind in _FINAL:
            return DeliveryState(str(outcome.kind)), Settlement()
        if claim.attempt >= MAX_ATTEMPTS:
            return DeliveryState.GIVEN_UP, Settlement()
        wait = max(outcome.retry_after_s or 0.0, backoff_s(claim.attempt))
        again = self._clock.now() + timedelta(seconds=wait)
        return DeliveryState(str(outcome.kind)), Settlement(again, doubt)

    def _entry(
        self,
        claim: Claim,
        notice: Notice,
        state: DeliveryState,
        outcome: Outcome | None = None,
        again_at: datetime | None = None,
    ) -> Entry:
        alert: Alert = notice.changed.alert
        delivery = Delivery(
            id=content_id(claim.send.id, claim.attempt, state),
            delivery=claim.send.id,
            notice=notice.id,
            alert=alert.uid,
            subscriber=notice.subscriber,
            channel=notice.via,
            state=state,
            attempt=claim.attempt,
            at=self._clock.now(),
            possible_duplicate=claim.possible_duplicate,
            detail=outcome.detail if outcome else "",
            receipt=outcome.receipt if outcome else "",
            again_at=again_at,
        )
        return Entry(DELIVERIES, notice.subscriber, delivery.id, encode(delivery))


def backoff_s(attempt: int) -> float:
    """Seconds to wait after the how-manieth attempt failed: 15 s, doubled each time, an hour at most."""
    return float(min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (attempt - 1)))
