"""The writing side of a log in a dictionary, which may be out of reach: for tests of what is appended, and when not."""

from typing import Any

from almenara.domain.errors import Unreachable
from almenara.ports.log import Appended, Entry


class SmallLog:
    """A log in a list, which may be out of reach."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], Entry] = {}
        self.reachable = True

    def append(self, entries: Any) -> Appended:
        if not self.reachable:
            raise Unreachable("the database does not answer")
        repeated = tuple(e.id for e in entries if (e.stream, e.id) in self.entries)
        self.entries |= {(e.stream, e.id): e for e in entries}
        return Appended(len(entries) - len(repeated), repeated)

    def ids(self, stream: str) -> list[str]:
        return [id_ for name, id_ in self.entries if name == stream]
