"""Where people's commands are recorded. Each has an id of its own: given twice, it is recorded once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from almenara.domain.alert import Alert
from almenara.ports.query import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What somebody asks for: an event type, the id that drops a repeat, and its data.

    `alert` is the alert that it is about; without one it goes into every partition.
    """

    type: str
    id: str
    data: Mapping[str, Any]
    alert: Alert | None = None


class CommandLog(Protocol):
    """Appends commands to `events`. May be used by several threads."""

    def append(self, command: Command, at: datetime) -> Done | None:
        """Records it. None when it is new, else what was recorded under its id before. Raises Unreachable."""
