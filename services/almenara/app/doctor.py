"""The checks of `almenara doctor`: each says what it found and how to mend it. Changes nothing."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from almenara.app.active import Active
from almenara.app.checking import Configuration
from almenara.app.destinations import standing, trouble
from almenara.app.health import SERVICES, ServiceHealth, all_health, read_health
from almenara.app.overview import behind
from almenara.app.settings import Settings
from almenara.app.stores import open_store
from almenara.domain.errors import AlmenaraError, Missing, Unreachable
from almenara.ports.store import Store

OK: Final = "ok"
FAILED: Final = "failed"
UNREACHABLE: Final = "unreachable"
SKIPPED: Final = "skipped"
_REACH_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `state` is ok, failed, unreachable or skipped; `cure` is empty when it is ok."""

    check: str
    state: str
    what: str
    cure: str = ""


def examine(config_dir: Path, found: Configuration, service: str = "") -> Iterator[Finding]:
    """Every check in order; with `service` only what that service's health says."""
    settings = found.settings
    if service:
        if settings is not None:
            yield _service(settings, service)
        return
    yield _configuration(config_dir, found)
    if settings is None:
        yield Finding("settings", FAILED, "unreadable; nothing else can be checked", "almenara config check")
        return
    yield _writable(settings.data_dir)
    yield from _record(settings)
    yield _operator(found, settings)
    yield _guarded("mail server", lambda: _mail(settings))
    if settings.mode == "distributed":
        yield _guarded("kafka", lambda: _kafka(settings))
    services = all_health(settings.data_dir)
    if not services:
        yield Finding("services", SKIPPED, "none runs here", "almenara run all")
    for one in services:
        yield _health(one)


def _configuration(config_dir: Path, found: Configuration) -> Finding:
    if found.faults:
        more = f" and {len(found.faults) - 1} more" if len(found.faults) > 1 else ""
        return Finding("configuration", FAILED, f"{found.faults[0]}{more}", "almenara config check")
    rules = len(found.checked.ruleset.rules) if found.checked else 0
    people = len(found.audience.audience.subscribers) if found.audience else 0
    what = f"{config_dir}: {rules} rules, {len(found.sources)} sources, {people} subscribers"
    return Finding("configuration", OK, what)


def _writable(folder: Path) -> Finding:
    nearest = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding("data folder", OK, str(folder))
    return Finding("data folder", FAILED, f"{folder} cannot be written", "make it writable, or set data_dir")


def _record(settings: Settings) -> Iterator[Finding]:
    try:
        store = open_store(settings, create=False)
    except Missing as error:
        yield Finding("record", SKIPPED, str(error), "almenara run all")
        return
    except Unreachable as error:
        yield Finding("record", UNREACHABLE, str(error), "start the database, or mend storage.database")
        return
    except AlmenaraError as error:
        yield Finding("record", FAILED, str(error), "almenara migrate")
        return
    with closing(store):
        yield _partitions(store, settings)
        yield _active(store)
        waiting = sum(behind(store).values())
        yield from _channels(store)
        yield Finding("progress", OK, f"{waiting} records not yet taken, {store.pending()} messages to send")


def _partitions(store: Store, settings: Settings) -> Finding:
    set_, made = settings.kafka.partitions, store.partitions
    if set_ != made:
        what = f"the record has {made} partitions, {set_} are set"
        return Finding("record", FAILED, what, f"set kafka.partitions to {made}; it is fixed for ever")
    return Finding("record", OK, f"opened, {made} partitions")


def _active(store: Store) -> Finding:
    active = Active(store).refresh()
    lacking = [name for name, digest in (("rules", active.ruleset), ("subscribers", active.audience)) if not digest]
    if lacking:
        cure = "; ".join(f"almenara {name} activate --reason first" for name in lacking)
        return Finding("active", FAILED, f"no {' and no '.join(lacking)} active", cure)
    return Finding("active", OK, f"ruleset {active.ruleset[:12]}, subscribers {active.audience[:12]}")


def _channels(store: Store) -> Iterator[Finding]:
    """A finding for each channel that is in trouble."""
    for name, found in standing(store, datetime.now(UTC)).items():
        if said := trouble(found):
            cure = f"mend its address or token in subscribers.yaml, then try it: almenara channels test {name}"
            yield Finding(f"channel {name}", FAILED, said, cure)


def _operator(found: Configuration, settings: Settings) -> Finding:
    """Whether the operator that the settings name can be told."""
    if not settings.operator:
        return Finding("operator", SKIPPED, "none is named", "set operator to be told of channels that refuse")
    known = {one.id: one.targets for one in found.audience.audience.subscribers} if found.audience else {}
    if known.get(settings.operator):
        return Finding("operator", OK, settings.operator)
    what = f"'{settings.operator}' is no subscriber who can be told"
    return Finding("operator", FAILED, what, "name one of subscribers.yaml in almenara.yaml, operator")


def _mail(settings: Settings) -> Finding:
    mail = settings.mail
    if not mail.host:
        return Finding("mail server", SKIPPED, "none is set", "set mail.host to send mail")
    try:
        with socket.create_connection((mail.host, mail.port), timeout=_REACH_S):
            return Finding("mail server", OK, f"{mail.host}:{mail.port} answers")
    except OSError as error:
        raise Unreachable(f"{mail.host}:{mail.port} does not answer ({error.strerror or 'no answer'})") from None


def _kafka(settings: Settings) -> Finding:
    from almenara.adapters.kafka.topics import Topics

    with Topics(settings.kafka.bootstrap, reach_s=_REACH_S) as topics:
        topics.check(settings.kafka.partitions)
    return Finding("kafka", OK, f"{settings.kafka.bootstrap}: every topic is kept for ever")


def _guarded(check: str, run: Callable[[], Finding]) -> Finding:
    try:
        return run()
    except Unreachable as error:
        return Finding(check, UNREACHABLE, str(error), "start it, or mend its address in almenara.yaml")
    except AlmenaraError as error:
        return Finding(check, FAILED, str(error), "almenara migrate")


def _service(settings: Settings, service: str) -> Finding:
    found = read_health(settings.data_dir, service)
    if found is None:
        return Finding(service, FAILED, "does not run here", f"almenara run {service}")
    return _health(found)


def _health(found: ServiceHealth) -> Finding:
    if found.healthy:
        return Finding(found.service, OK, f"runs, heard {found.age_s:.0f} s ago")
    return Finding(found.service, FAILED, found.trouble, "look at its log, then start it again")


__all__ = ["FAILED", "OK", "SERVICES", "SKIPPED", "UNREACHABLE", "Finding", "examine"]
