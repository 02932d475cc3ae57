"""Rulesets by what people call them: `active`, a hash of the record or its beginning, or a folder."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from almenara.app.active import Active
from almenara.app.content import read_content
from almenara.app.sources import backwards
from almenara.domain.errors import Fault, Faulty, Missing
from almenara.domain.event import RULESET
from almenara.engine.ruleset import Content, build, content_of
from almenara.ports.log import EVENTS, LogReader
from almenara.ports.state import blob_hash
from almenara.ports.store import Store
from almenara.ports.wire import decode_event
from almenara.rules.difference import Side

ACTIVE: Final = "active"
_SHORTEST: Final = 6
_HASH: Final = re.compile(r"[0-9a-f]{6,64}")


class RuleSets:
    """Finds rulesets. The store is opened only where one of the record is asked for.

    `config_dir` holds the lists that a folder of rules alone looks into.
    """

    def __init__(self, store: Callable[[], Store], config_dir: Path, *, allowed_lateness_s: int) -> None:
        self._store = store
        self._config_dir = config_dir
        self._lateness_s = allowed_lateness_s

    def side(self, name: str) -> tuple[str, Side]:
        """The hash of the ruleset that is called so, and the ruleset compiled.

        Raises Missing when there is none or several, Faulty (with the folder in its places) when it cannot be compiled.
        """
        folder = Path(name)
        content = self._of_folder(folder) if name != ACTIVE and folder.is_dir() else self.recorded(name)
        try:
            return blob_hash(content.blob()), Side(content, build(content))
        except Faulty as error:
            raise _at(error, name) from error

    def _of_folder(self, folder: Path) -> Content:
        whole = (folder / "rules").is_dir()
        try:
            return read_content(
                folder if whole else self._config_dir,
                allowed_lateness_s=self._lateness_s,
                rules_dir=None if whole else folder,
            )
        except Faulty as error:
            raise _at(error, str(folder)) from error

    def recorded(self, name: str) -> Content:
        """The content of a ruleset of the record: `active`, or the beginning of a hash. Raises Missing."""
        store = self._store()
        if name == ACTIVE:
            digest = Active(store).refresh().ruleset
            if not digest:
                raise Missing("no ruleset is active; run `almenara rules activate`")
            return content_of(store.get(digest))
        if not _HASH.fullmatch(name):
            raise Missing(
                f"no ruleset '{name}': name a folder, `{ACTIVE}`, or the first {_SHORTEST} or more letters of a hash"
            )
        found = [digest for digest in activated(store) if digest.startswith(name)]
        if len(found) != 1:
            known = ", ".join(digest[:12] for digest in (found or activated(store))) or "none"
            which = "several rulesets begin" if found else "no ruleset of the record begins"
            raise Missing(f"{which} with {name}; {'they are' if found else 'activated were'}: {known}")
        return content_of(store.get(found[0]))


def activated(log: LogReader) -> list[str]:
    """The hashes of all rulesets that were ever activated, the newest first, each once."""
    found: dict[str, None] = {}
    for record in backwards(log, EVENTS, 0):
        if record.id.startswith(f"{RULESET}/"):  # ids of activations start with their type
            found[str(decode_event(record.body, record.position).data.get("hash", ""))] = None
    return list(found)


def _at(error: Faulty, name: str) -> Faulty:
    return Faulty([Fault(f"{name}/{f.file}", f.line, f.what, f.cure, f.column) for f in error.faults])
