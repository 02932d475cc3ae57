"""What the record's judgements say of the active rules and watchlist entries. Reads only; applies nothing."""

from dataclasses import dataclass
from datetime import datetime

from almenara.app.active import Active
from almenara.audit.explain import changes
from almenara.domain.errors import Missing
from almenara.engine.ruleset import Ruleset, build, content_of
from almenara.ports.store import Store
from almenara.rules.precision import EntryRecord, RuleRecord, by_entry, by_rule
from almenara.rules.proposals import Proposal, proposals


@dataclass(frozen=True, slots=True)
class Tuning:
    """The judgements per rule and per entry, and what they suggest."""

    active: Ruleset
    rules: list[RuleRecord]
    entries: list[EntryRecord]
    proposals: list[Proposal]


def tuning(store: Store, since: datetime | None = None) -> Tuning:
    """Over all alerts raised since then. Raises Missing when no ruleset is active."""
    digest = Active(store).refresh().ruleset
    if not digest:
        raise Missing("no ruleset is active; run `almenara rules activate`")
    active = build(content_of(store.get(digest)))
    latest = {changed.alert.uid: changed.alert for changed in changes(store)}
    alerts = [alert for _, alert in sorted(latest.items()) if since is None or alert.raised_at >= since]
    rules = by_rule(alerts, {rule.name: rule.version for rule in active.rules})
    entries = by_entry([alert for record in rules for alert in record.alerts])
    return Tuning(active, rules, entries, proposals(rules, entries, active))
