"""The audience of `subscribers.yaml`: who is told what, ready for the log; and apart from it the real addresses.

The log gets keyed hashes only, so an address cannot be read or guessed from it. Knows nothing of sending.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from almenara.app import fields
from almenara.app.addresses import AddressBook, address_hash, audience_key
from almenara.app.audience_fields import (
    DigestTimes,
    Filter,
    HeldBacks,
    QuietHours,
    RateLimit,
    Rota,
    StandIn,
    Steps,
    duties,
    escalations,
)
from almenara.app.audience_people import faults_of as people_faults
from almenara.app.channel_file import APPRISE, KINDS, MAIL, SLACK, WEBHOOK, Channel, faults_of
from almenara.app.config_file import read_document
from almenara.app.fields import Invalid, Section, Tlp, nearest
from almenara.app.references import References
from almenara.app.secrets import Secret
from almenara.app.settings import Settings
from almenara.app.validation import Origins, validate
from almenara.domain.audience import Audience, Subscriber, Target
from almenara.domain.errors import Fault, Faulty
from almenara.engine.reading.documents import Document
from almenara.engine.reading.documents import Path as Keys

FILE: Final = "subscribers.yaml"
_SLACK_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{1,30}", re.ASCII)


def _mail_address(value: Secret) -> Secret:
    if not fields.MAIL.fullmatch(value.reveal()):
        raise Invalid("not a mail address", "write name@example.org")
    return value


def _slack_channel(value: Secret) -> Secret:
    if not _SLACK_CHANNEL.fullmatch(value.reveal()):
        raise Invalid("not the id of a Slack channel", "copy it from the channel's details; it begins with C")
    return value


class _Way(Section):
    via: str


class _Slack(_Way):
    channel: Annotated[Secret, AfterValidator(_slack_channel)] | None = None


class _Subscriber(Section):
    mail: Annotated[Secret, AfterValidator(_mail_address)] | None = None
    slack: _Slack | None = None
    webhook: _Way | None = None
    apprise: _Way | None = None
    language: fields.Language | None = None
    time_zone: fields.Zone | None = None
    wants: Annotated[tuple[Filter, ...], fields.AS_LIST] = ()
    tlp: Tlp | None = None
    quiet: QuietHours | None = None
    digest: DigestTimes | None = None
    limit: RateLimit | None = None
    deputy: StandIn | None = None


class _Team(_Subscriber):
    on_duty: Rota = ()
    escalate: Steps = ()


class _File(Section):
    people: dict[fields.Name, _Subscriber] = Field(default_factory=dict)
    teams: dict[fields.Name, _Team] = Field(default_factory=dict)
    channels: dict[fields.Name, Channel] = Field(default_factory=dict)
    inhibit: HeldBacks = ()


@dataclass(frozen=True, slots=True)
class LoadedAudience:
    """What one reading of the file gave: the audience for the log, and the addresses and channels that stay here."""

    audience: Audience
    addresses: AddressBook
    channels: Mapping[str, Channel]


def load_audience(
    document: Document,
    settings: Settings,
    *,
    environ: Mapping[str, str] | None = None,
    rules: Iterable[str] | None = None,
    key: bytes | None = None,
) -> LoadedAudience:
    """The audience that a document describes. Raises Faulty with every fault.

    `environ` (default: the process's) is what `${env:..}` names. With `rules` a want that names another rule is a
    fault. `key` keys the hashes; by default the settings' own, or the key file in the data folder, which is made at
    the first use.
    """
    file, faults = _parsed(document, settings, os.environ if environ is None else environ, rules)
    if faults or file is None:
        raise Faulty(sorted(faults, key=lambda fault: (fault.line, fault.column)))
    used = audience_key(settings) if key is None else key
    subscribers: list[Subscriber] = []
    entries: dict[tuple[str, str], tuple[str, Secret]] = {}
    for name, one in _everyone(file):
        targets = []
        for kind, via, address in _ways(one, file):
            hashed = address_hash(used, kind, address)
            entries[name, via] = (hashed, address)
            ceiling = settings.mail.tlp if via == MAIL else file.channels[via].tlp
            targets.append(Target(kind=kind, via=via, address_hash=hashed, tlp=ceiling))
        subscribers.append(_subscriber(name, one, tuple(targets), settings))
    audience = Audience(
        subscribers=tuple(subscribers),
        inhibitions=tuple(held.plain() for held in file.inhibit),
        operator=settings.operator,
        tlp=settings.defaults.tlp,
    )
    return LoadedAudience(audience, AddressBook(entries), file.channels)


def read_audience(
    config_dir: Path,
    settings: Settings,
    *,
    environ: Mapping[str, str] | None = None,
    rules: Iterable[str] | None = None,
    key: bytes | None = None,
) -> LoadedAudience:
    """As `load_audience`, from `subscribers.yaml` in a folder."""
    document, faults = read_document(config_dir / FILE)
    if faults:
        raise Faulty(faults)
    return load_audience(document, settings, environ=environ, rules=rules, key=key)


def _parsed(
    document: Document, settings: Settings, environ: Mapping[str, str], rules: Iterable[str] | None
) -> tuple[_File | None, list[Fault]]:
    origins = Origins(document)
    if not isinstance(document.data, dict):
        return None, [origins.fault((), "should be a map of keys", "write people:, teams: and channels:")]
    base = Path(document.file).absolute().parent
    resolved = References(environ, base).resolve(document.data, origins.fault)
    origins.hidden, origins.missing = resolved.hidden, resolved.missing
    raw = resolved.data
    file, wrong = validate(_File, raw, origins)
    across = _across(raw, settings, None if rules is None else frozenset(rules), origins)
    return file, resolved.faults + wrong + across


def _across(raw: dict[str, Any], settings: Settings, rules: frozenset[str] | None, origins: Origins) -> list[Fault]:
    """What is wrong between parts of the file, and with the settings and rules; found in the raw data."""
    channels, people = _map(raw, "channels"), _map(raw, "people")
    faults = list(faults_of(channels, settings, origins))
    everyone: list[tuple[str, str, dict[str, Any]]] = []
    for section in ("people", "teams"):
        for name, one in _map(raw, section).items():
            path = (section, name)
            if section == "teams" and name in people:
                faults.append(origins.fault(path, "a person has this name", "rename one of the two"))
            if not isinstance(one, dict):
                continue
            everyone.append((section, name, one))
            if MAIL in one and not settings.mail.host:
                faults.append(origins.fault((*path, MAIL), "there is no mail server", "set mail.host in almenara.yaml"))
            for kind in KINDS:
                faults += _wrong_way(kind, _map(one, kind), channels, origins, (*path, kind))
            if rules is not None:
                faults += _unknown_rules(one.get("wants"), rules, origins, (*path, "wants"))
    return faults + list(people_faults(everyone, origins)) + list(_inhibitions(raw, rules, origins))


def _inhibitions(raw: dict[str, Any], rules: frozenset[str] | None, origins: Origins) -> Iterator[Fault]:
    held = raw.get("inhibit")
    for index, one in enumerate(held if isinstance(held, list) else ()):
        for side in ("source", "target"):
            if isinstance(one, dict) and one.get(side) == {}:
                what, cure = "matches every alert", "name rules, levels, tags, countries or entities"
                yield origins.fault(("inhibit", index, side), what, cure)
            if isinstance(one, dict) and rules is not None:
                yield from _unknown_rules([one.get(side)], rules, origins, ("inhibit", index, side), lone=True)


def _wrong_way(
    kind: str, way: dict[str, Any], channels: dict[str, Any], origins: Origins, path: Keys
) -> Iterator[Fault]:
    via = way.get("via")
    if not isinstance(via, str):
        return  # the types tell
    if via not in channels:
        yield _unknown("channel", via, channels, origins, (*path, "via"))
        return
    channel = _map(channels, via)
    if channel.get("kind") != kind and channel.get("kind") in KINDS:
        yield origins.fault((*path, "via"), f"this channel is of kind {channel['kind']}", f"name one of kind {kind}")
    elif kind == SLACK and "token" in channel and "channel" not in way:
        yield origins.fault(path, "'channel' is missing", "write the id of a Slack channel (C0...)")
    elif kind == SLACK and "token" not in channel and "channel" in way:
        yield origins.fault((*path, "channel"), "an incoming webhook has its own channel", "remove it")


def _unknown_rules(
    wants: Any, rules: frozenset[str], origins: Origins, path: Keys, *, lone: bool = False
) -> Iterator[Fault]:
    """Rules that filters name and that are not; a `lone` filter stands at the path itself."""
    for index, want in enumerate(wants if isinstance(wants, list) else ()):
        named = want.get("rules") if isinstance(want, dict) else None
        for at, rule in enumerate(named if isinstance(named, list) else ()):
            if isinstance(rule, str) and rule not in rules:
                below = (*path, "rules", at) if lone else (*path, index, "rules", at)
                yield _unknown("rule", rule, rules, origins, below)


def _unknown(kind: str, name: str, known: Iterable[str], origins: Origins, path: Keys) -> Fault:
    if path in origins.hidden:
        return origins.fault(path, f"there is no such {kind}", f"name a {kind} that there is")
    return origins.fault(path, f"there is no {kind} '{name}'", nearest(name, known) or f"add a {kind} of that name")


def _map(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _everyone(file: _File) -> Iterator[tuple[str, _Subscriber]]:
    for name in sorted({*file.people, *file.teams}):
        yield name, file.teams[name] if name in file.teams else file.people[name]


def _ways(one: _Subscriber, file: _File) -> Iterator[tuple[str, str, Secret]]:
    if one.mail is not None:
        yield MAIL, MAIL, one.mail
    if one.slack is not None:
        yield SLACK, one.slack.via, one.slack.channel or _url(file, one.slack.via)
    if one.webhook is not None:
        yield WEBHOOK, one.webhook.via, _url(file, one.webhook.via)
    if one.apprise is not None:
        yield APPRISE, one.apprise.via, _url(file, one.apprise.via)


def _url(file: _File, via: str) -> Secret:
    return file.channels[via].url or Secret("")  # checked: whoever is sent there has one


def _subscriber(name: str, one: _Subscriber, targets: tuple[Target, ...], settings: Settings) -> Subscriber:
    team = one if isinstance(one, _Team) else None
    return Subscriber(
        id=name,
        team=team is not None,
        wants=tuple(want.plain() for want in one.wants),
        targets=targets,
        language=one.language or settings.defaults.language,
        time_zone=one.time_zone or settings.defaults.time_zone,
        tlp=one.tlp or settings.defaults.tlp,
        quiet=one.quiet.plain() if one.quiet else None,
        digest=one.digest.plain() if one.digest else None,
        limit=one.limit.plain() if one.limit else None,
        deputy=one.deputy.plain() if one.deputy else None,
        on_duty=duties(team.on_duty) if team else (),
        escalate=escalations(team.escalate) if team else (),
    )
