"""What a service does with the configuration folder when it starts, and again when it is told to read it again.

A bad ruleset or a bad subscribers file never replaces a good one: its faults are logged and the active one stays. Only
where none is active a start is refused.
"""

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from almenara.app.activation import Checked, activate_audience, activate_rules, check, compiled
from almenara.app.active import Active
from almenara.app.audience import FILE, LoadedAudience, load_audience, read_audience
from almenara.app.channels import Ways
from almenara.app.content import Files, read_files
from almenara.app.rule_sets import activated
from almenara.app.settings import Settings
from almenara.domain.errors import Fault, Faulty, Refused
from almenara.engine.engine import SEMANTICS
from almenara.engine.reading import documents
from almenara.engine.ruleset import Content, content_of
from almenara.ports.clock import Clock
from almenara.ports.state import blob_hash
from almenara.ports.store import Store
from almenara.ports.wire import encode

LAST_GOOD: Final = "subscribers.active.yaml"
BY: Final = "start"
WATCH: Final = "watch"
FOLDER: Final = ("", BY, WATCH)
"""Who activates what the folder holds, without a person's word."""
REASON: Final = "read when the service started"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of reading one part: the hash in force, whether it was activated now, and the faults that kept it."""

    digest: str
    activated: bool = False
    faults: tuple[Fault, ...] = ()


class Startup:
    """Reads the configuration folder for one store. `take_*` may be called again at any time."""

    def __init__(self, store: Store, config_dir: Path, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._config_dir = config_dir
        self._settings = settings
        self._clock = clock
        self.active = Active(store)

    def take_rules(self, *, files: Files | None = None, by: str = BY, reason: str = REASON) -> Taken:
        """Activates the folder's ruleset unless it is active. Raises Faulty when it is bad and none is active.

        `files` are those of the folder where they were read already.
        """
        files = files or read_files(self._config_dir)
        lateness = int(self._settings.time.allowed_lateness.total_seconds())
        self._go_on_from_older(files, lateness)
        active = self.active.refresh().ruleset
        try:
            checked = check(files.content(lateness))
            if checked.digest == active:
                return Taken(active)
            if by == BY and (why := self._rolled_back(files, checked.content)):
                log.warning(
                    "%s was activated by hand and stays: %s; `almenara rules activate` takes the folder's %s",
                    active[:12], why, checked.digest[:12],
                )  # fmt: skip
                return Taken(active)
            over = self._ends_roll_back(active)
            reason = over if over and by == BY else reason
            activate_rules(self._store, checked, self._clock.now(), by=by, reason=reason)
        except Faulty as error:
            return self._kept("ruleset", active, error.faults)
        if over:
            log.warning("%s: %s ends the roll back to %s", over, checked.digest[:12], active[:12])
        log.info(
            "ruleset %s activated by %s: %d rules; %s", checked.digest[:12], by, len(checked.ruleset.rules), reason
        )
        return Taken(checked.digest, activated=True)

    def _go_on_from_older(self, files: Files, lateness: int) -> None:
        """Lets these engine semantics go on where older ones have decided until now, with the ruleset that is active.

        Raises Refused where this release cannot read that ruleset, or a newer one has gone on with the log.
        """
        now = self.active.refresh()
        if now.ruleset_engine in ("", SEMANTICS):
            return
        content, folder = content_of(self._store.get(now.ruleset)), now.rolled_back_from
        if not folder and self._kept_by_hand(files, lateness):
            folder = files.digest
        try:
            checked = Checked(content, compiled(content), now.ruleset, ())
        except Faulty as error:
            raise Refused(
                f"the active ruleset {now.ruleset[:12]} cannot be read by this release: {error}; activate a mended one "
                f"with the release before it (engine semantics {now.ruleset_engine}), and come back"
            ) from error
        reason = f"engine semantics {SEMANTICS} go on from {now.ruleset_engine}"
        activate_rules(self._store, checked, self._clock.now(), by=BY, reason=reason, folder=folder)
        log.warning("%s: what was decided before stays as it is recorded", reason)

    def _kept_by_hand(self, files: Files, lateness: int) -> bool:
        try:
            return bool(self._rolled_back(files, files.content(lateness)))
        except Faulty:  # whatever the folder is to be, it is not that yet
            return self.active.ruleset_by not in FOLDER

    def _ends_roll_back(self, active: str) -> str:
        rolled_back = bool(self.active.rolled_back_from)
        return f"the folder changed after {active[:12]} was activated by hand" if rolled_back else ""

    def _rolled_back(self, files: Files, held: Content) -> str:
        """Why a restart must leave what a person activated instead of what the folder holds; empty where it must not.

        Another lateness is no other folder: the set that was rolled back to keeps the one that it was made with.
        """
        if not self.active.ruleset or (self.active.ruleset_by in FOLDER and not self.active.rolled_back_from):
            return ""
        active = content_of(self._store.get(self.active.ruleset))
        if active.files == held.files:
            return ""
        if files.digest == self.active.rolled_back_from:
            why = "the folder did not change since"
        elif any(content_of(self._store.get(one)).files == held.files for one in activated(self._store)):
            why = "the folder holds what was active before"
        else:
            return ""
        if active.allowed_lateness_s != held.allowed_lateness_s:
            why += ", and the time.allowed_lateness that is set is not in force"
        return why

    def take_audience(self) -> Taken:
        """Activates the folder's subscribers unless they are active. Raises Faulty when bad and none is active."""
        active = self.active.refresh().audience
        try:
            loaded = read_audience(self._config_dir, self._settings)
        except Faulty as error:
            return self._kept("subscribers", active, error.faults)
        digest = audience_hash(loaded)
        if digest == active:
            return Taken(active)
        activate_audience(self._store, loaded.audience, self._clock.now(), by=BY, reason=REASON)
        log.info("subscribers %s activated: %d", digest[:12], len(loaded.audience.subscribers))
        return Taken(digest, activated=True)

    def take_ways(self, ways: Ways) -> bool:
        """Gives `ways` the addresses of the active audience, from the file or from its last good copy.

        False when neither holds them: then nothing is sent until the file is mended. From now on `ways` asks again by
        itself before it says that an address is gone.
        """
        ways.refresh = lambda: self.take_ways(ways)
        active = self.active.refresh().audience
        copy = self._settings.data_dir / LAST_GOOD
        file = self._config_dir / FILE
        for path in (file, copy):
            loaded = self._loaded(path)
            if loaded is not None and audience_hash(loaded) == active:
                ways.use(loaded)
                if path == file:
                    _keep(file, copy)
                return True
        return False

    def _loaded(self, path: Path) -> LoadedAudience | None:
        # The copy is read as if it stood in the folder, so that its references to files stay right.
        try:
            read, faults = documents.read(path.read_bytes(), str(self._config_dir / FILE))
            return load_audience(read[0], self._settings) if read and not faults else None
        except (OSError, Faulty):
            return None

    def _kept(self, what: str, active: str, faults: Sequence[Fault]) -> Taken:
        if not active:
            raise Faulty(faults)
        for fault in faults:
            log.error("%s", fault)
        log.error("the %s of %s is NOT taken (%d faults); %s stays", what, self._config_dir, len(faults), active[:12])
        return Taken(active, faults=tuple(faults))


def audience_hash(loaded: LoadedAudience) -> str:
    """The hash by which the log names an audience."""
    return blob_hash(encode(loaded.audience))


def _keep(file: Path, copy: Path) -> None:
    """Keeps a copy for this user only: it may hold addresses."""
    with suppress(OSError):  # without a copy only a later bad file is worse off
        body = file.read_bytes()
        if copy.exists() and copy.read_bytes() == body:
            return
        copy.parent.mkdir(parents=True, exist_ok=True)
        new = copy.with_name(f"{copy.name}.{os.getpid()}.new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(body)
        new.replace(copy)
