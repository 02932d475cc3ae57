"""A watched folder: rules that change in the configuration folder go live by themselves, when they are sound.

Off unless `rules.watch` is set. What is compared is the files' content. A change is taken only when two looks, one
after the other, find the same content, so that files that are still being saved are never taken. The bytes that were
looked at are the bytes that are checked, tested and activated.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from almenara.app.content import Files, read_files
from almenara.app.loops import pause
from almenara.app.startup import WATCH, Startup, Taken
from almenara.domain.errors import AlmenaraError

_NAMED: Final = 5

log = logging.getLogger(__name__)


class RulesWatch:
    """Looks at the folder, and takes what changed. `begin` before the folder is read for the first time."""

    def __init__(self, startup: Startup, config_dir: Path) -> None:
        self._startup = startup
        self._config_dir = config_dir
        self._taken: Mapping[str, str] = {}
        self._settled: Mapping[str, str] = {}
        self._seen: Mapping[str, str] = {}
        self.refused: Taken | None = None
        """What came of the last change, while its faults keep it from being taken."""

    def begin(self) -> None:
        """What the folder holds now is somebody else's to take: only what changes from here on is looked at."""
        self._taken = self._settled = self._seen = _hashes(read_files(self._config_dir))
        self.refused = None

    def look(self) -> Taken | None:
        """One look. What came of it, or None when nothing changed, or when it has to be looked at again."""
        files = read_files(self._config_dir)
        found = _hashes(files)
        stable, self._seen = found == self._seen, found
        if not stable or found == self._settled:
            return None
        taken = self._startup.take_rules(files=files, by=WATCH, reason=_reason(self._taken, found))
        self._settled = found
        self.refused = taken if taken.faults else None
        if not taken.faults:
            self._taken = found
        return taken


async def run_watch(watch: RulesWatch, stop: asyncio.Event, *, every: timedelta) -> None:
    """Looks again and again until `stop` is set; a database that cannot be reached is told and waited for."""
    log.info("the rules folder is watched, every %s", every)
    while not stop.is_set():
        await pause(stop, every.total_seconds())
        if stop.is_set():
            return
        try:
            await asyncio.to_thread(watch.look)
        except (AlmenaraError, OSError) as error:
            log.error("the rules folder cannot be looked at: %s", error)


def _hashes(files: Files) -> dict[str, str]:
    hashes = {name: sha256(body).hexdigest() for name, body in files.bodies.items()}
    return hashes | {fault.file: fault.what for fault in files.faults}


def _reason(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Which files changed, for the record: `changed: rules/meetings.yml; removed: watchlists/old.csv`."""
    words = {
        "changed": [name for name in before if name in after and before[name] != after[name]],
        "added": [name for name in after if name not in before],
        "removed": [name for name in before if name not in after],
    }
    return "; ".join(f"{word}: {_short(sorted(names))}" for word, names in words.items() if names) or "the same files"


def _short(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
