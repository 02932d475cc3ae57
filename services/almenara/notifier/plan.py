"""Plan: the records of `notices` in, what is due out (the send queue). A pure fold, with no way to send.

Today every planned notice is due at once; what holds messages back or joins them belongs here.
"""

from typing import Final

from almenara.domain.notice import Decision
from almenara.ports.log import NOTICES, Record
from almenara.ports.processor import Fold, History, Outputs
from almenara.ports.queue import Send
from almenara.ports.wire import decode_notice

CONSUMER: Final = "plan"


class PlanProcessor:
    """Opens the folds of the plan."""

    consumer = CONSUMER
    stream = NOTICES
    version = "plan/1"

    def open(self, partition: int, state: bytes | None, history: History) -> Fold:
        """The plan remembers nothing yet, so every fold is alike."""
        return PlanFold()


class PlanFold:
    """The fold over one partition of `notices`."""

    def apply(self, record: Record) -> Outputs:
        """Takes one notice. Raises Rejected for one that cannot be read."""
        notice = decode_notice(record.body)
        if notice.decision != Decision.PLANNED:
            return Outputs()
        thread = f"{notice.subscriber}/{notice.via}/{notice.changed.alert.uid}"
        # Sequences are the order in which the record tells it; a later change must never overtake an earlier one.
        rank = f"{record.sequence:016d}"
        return Outputs(sends=[Send(notice.delivery, thread, rank, notice.due, record.body, notice.via)])

    def snapshot(self) -> bytes:
        """Nothing is remembered."""
        return b""
