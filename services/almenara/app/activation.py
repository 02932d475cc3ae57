"""Activations: a checked ruleset or audience goes live by its hash, as a record in every partition, with its reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from almenara.app.active import Active
from almenara.app.commands import append_everywhere
from almenara.domain.audience import Audience
from almenara.domain.errors import Fault, Faulty, Refused
from almenara.domain.event import AUDIENCE, RULESET
from almenara.domain.ids import content_id
from almenara.engine.engine import SEMANTICS
from almenara.engine.rule import Rule, SingleRule
from almenara.engine.ruleset import Content, Ruleset, build
from almenara.ports.log import ALERTS, BLOBS, EVENTS, Entry
from almenara.ports.state import blob_hash
from almenara.ports.store import Store
from almenara.ports.wire import encode
from almenara.rules.service import CONSUMER
from almenara.rules.trial import Trial, run_all
from almenara.rules.upgrade import Facts

SOURCE: Final = "almenara/ops"
CHUNK: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Checked:
    """A ruleset that is whole: compiled, and every test of its rules run."""

    content: Content
    ruleset: Ruleset
    digest: str
    trials: tuple[Trial, ...]


def check(content: Content) -> Checked:
    """Compiles and tests. Raises Faulty with every fault of the files; failed tests are in the answer."""
    ruleset = compiled(content)
    return Checked(content, ruleset, blob_hash(content.blob()), tuple(run_all(ruleset)))


def compiled(content: Content) -> Ruleset:
    """The ruleset of a configuration. Raises Faulty with every fault, a filter that nobody answers for among them."""
    ruleset = build(content)
    if unexplained := _unexplained(ruleset):
        raise Faulty(unexplained)
    return ruleset


def _unexplained(ruleset: Ruleset) -> list[Fault]:
    """A fault for each filter that does not say who holds events back, and why: here it decides what people hear."""
    filters = (held for rule in ruleset.rules if isinstance(rule, SingleRule) for held in rule.filters)
    cure = "add almenara: {owner: ..., reason: ...}"
    missing = {(held.file, held.line): held.name for held in filters if not (held.owner and held.reason)}
    return [
        Fault(file, line, f"the filter '{name}' says neither owner nor reason", cure)
        for (file, line), name in missing.items()
    ]


def require_passed(checked: Checked) -> None:
    """Raises Faulty when one of the rules' own tests fails."""
    failed = [trial for trial in checked.trials if not trial.passed]
    if failed:
        raise Faulty([_fault(checked.ruleset.by_name[trial.rule], trial) for trial in failed])


def activate_rules(store: Store, checked: Checked, at: datetime, *, by: str, reason: str, folder: str = "") -> bool:
    """Stores the content and writes `ruleset.activated` into every partition. False when it had been written already.

    `folder` is given for a roll back: the digest of what the folder holds instead (`Files.digest`). Raises Faulty when
    one of the rules' own tests fails: a bad ruleset never replaces a good one.
    """
    require_passed(checked)
    data = {"hash": checked.digest, "engine": SEMANTICS, "by": by, "reason": reason}
    data |= {"folder": folder} if folder else {}
    return _activate(store, checked.content.blob(), RULESET, data, at, facts=_facts(store))


def _facts(store: Store) -> dict[int, Facts]:
    """Where in each partition another engine's decisions end, when it decided until now. Its workers are fenced off.

    Raises Refused where a newer release has gone on with this log.
    """
    engine = Active(store).refresh().ruleset_engine
    if engine in ("", SEMANTICS):
        return {}
    if engine.isdigit() and int(engine) > int(SEMANTICS):
        raise Refused(f"a release with engine semantics {engine} goes on with this log; this one has {SEMANTICS}")
    leases = [store.claim(CONSUMER, EVENTS, partition) for partition in range(store.partitions)]
    return {lease.partition: Facts(engine, lease.after, store.end(ALERTS, lease.partition)) for lease in leases}


def activate_audience(store: Store, audience: Audience, at: datetime, *, by: str, reason: str) -> bool:
    """Stores the audience and writes `audience.activated` into every partition."""
    body = encode(audience)
    data = {"hash": blob_hash(body), "subscribers": len(audience.subscribers), "by": by, "reason": reason}
    return _activate(store, body, AUDIENCE, data, at)


def _fault(rule: Rule, trial: Trial) -> Fault:
    return Fault(rule.file, rule.line, f"test '{trial.name}' of {rule.name} fails", "; ".join(trial.differences))


def _activate(
    store: Store,
    body: bytes,
    type_: str,
    data: Mapping[str, object],
    at: datetime,
    *,
    facts: Mapping[int, Facts] = MappingProxyType({}),
) -> bool:
    digest = store.put(body)
    store.append(list(_chunks(body, digest)))
    uid = content_id(data["hash"], at)
    own = {partition: {"facts": msgspec.structs.asdict(one)} for partition, one in facts.items()}
    return append_everywhere(store, type_, data, at, partitions=store.partitions, uid=uid, source=SOURCE, own=own)


def _chunks(body: bytes, digest: str) -> Iterator[Entry]:
    """The content in the log itself, so that the log alone can be replayed."""
    parts = range(0, max(1, len(body)), CHUNK)
    for number, start in enumerate(parts):
        yield Entry(BLOBS, digest, f"{digest}/{number}/{len(parts)}", body[start : start + CHUNK])
