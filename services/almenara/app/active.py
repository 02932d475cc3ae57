"""What is active: the newest ruleset and audience in the log, by hash. Reads only; looks further at each call."""

from dataclasses import dataclass

from almenara.app.sources import backwards
from almenara.domain.event import ACTIVATIONS, AUDIENCE, RULESET
from almenara.ports.log import EVENTS, LogReader, Record, read_range
from almenara.ports.wire import decode_event


@dataclass(slots=True)
class Active:
    """What is in force; empty before the first activation. Activations go to every partition, so one is read.

    `rolled_back_from` says what the folder held when the ruleset was activated instead of it; empty for no roll back.
    """

    log: LogReader
    ruleset: str = ""
    ruleset_by: str = ""
    ruleset_engine: str = ""
    rolled_back_from: str = ""
    audience: str = ""
    _seen: int = -1

    def refresh(self) -> "Active":
        """Takes in what was appended since."""
        end = self.log.end(EVENTS, 0)
        if self._seen < 0:
            self._look_back()
        else:
            for record in read_range(self.log, EVENTS, 0, after=self._seen):
                self._take(record)
                end = record.sequence
        self._seen = end
        return self

    def _look_back(self) -> None:
        wanted = set(ACTIVATIONS)
        for record in backwards(self.log, EVENTS, 0):
            type_ = record.id.partition("/")[0]
            if type_ in wanted:
                wanted.remove(type_)
                self._take(record)
            if not wanted:
                return

    def _take(self, record: Record) -> None:
        # ids of activations start with their type: nothing else has to be decoded
        if not record.id.startswith(tuple(f"{type_}/" for type_ in ACTIVATIONS)):
            return
        event = decode_event(record.body, record.position)
        if event.type == RULESET:
            self.ruleset = str(event.data.get("hash", ""))
            self.ruleset_by = str(event.data.get("by", ""))
            self.ruleset_engine = str(event.data.get("engine", ""))
            self.rolled_back_from = str(event.data.get("folder", ""))
        elif event.type == AUDIENCE:
            self.audience = str(event.data.get("hash", ""))
