"""Backtests over a store that a test holds in its hands, and what each set of rules leads to when it really runs.

The second is the yardstick: a set that was active from the first record on, in a store of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from almenara.adapters.memory import MemoryStore
from almenara.app.activation import activate_audience, activate_rules, check
from almenara.app.embedded import Embedded
from almenara.app.spread import Source
from almenara.audit.compare import Compared, Found, Moved
from almenara.audit.explain import all_notices
from almenara.domain.notice import Decision
from almenara.engine.ruleset import Content
from almenara.ports.log import Entry
from almenara.ports.store import Store
from case_run import AUDIENCE, PARTITIONS, START, changes, processors, shipped

Place = tuple[str, str, str, str]
"""A message: subscriber, way, alert and change."""


def source(store: Store) -> Source:
    """The store itself, never closed by whoever reads it (one in memory has nothing to close)."""
    return Source(lambda: store)


def changed(content: Content, file: str, *replacements: tuple[str, str]) -> Content:
    """The content with other texts in one file, each of which stands there once at least."""
    text = content.files[file]
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return replace(content, files={**content.files, file: text})


def candidate() -> Content:
    """The shipped rules with two thresholds changed: one rule says more, one says less."""
    return changed(
        shipped().content,
        "rules/rhetoric.yml",
        ("'rhetoric.usa.score|gte': 0.9", "'rhetoric.usa.score|gte': 0.7"),
        ("office: [head_of_state, ", "office: [government_spokesperson, defence_minister, head_of_state, "),
        ("condition: {gte: 4, field: ce.day}", "condition: {gte: 6, field: ce.day}"),
    )


def really_run(content: Content, entries: Sequence[Entry]) -> MemoryStore:
    """A store in which this set was active from the first record on."""
    store = MemoryStore(PARTITIONS)
    activate_rules(store, replace(check(content), trials=()), START, by="test", reason="test")
    activate_audience(store, AUDIENCE, START, by="test", reason="test")
    store.append(list(entries))
    Embedded(store, processors(store)).pump()
    return store


def raised(store: Store) -> set[str]:
    """The alerts that are recorded, by uid."""
    return {one.alert.uid for one in changes(store)}


def messages(store: Store) -> set[tuple[Place, datetime]]:
    """The messages that are recorded as planned, and when."""
    notices = list(all_notices(store))
    return {
        ((n.subscriber, n.via, n.changed.alert.uid, str(n.changed.change)), n.due)
        for n in notices
        if n.decision == Decision.PLANNED
    }


def alerts_of(compared: Compared, found: Found) -> set[str]:
    """The alerts that differ in this way, by uid."""
    return {one.alert.uid for one in compared.alerts if one.found == found}


def messages_of(compared: Compared, *ways: Moved) -> set[tuple[Place, datetime]]:
    """The messages that differ in these ways, as `messages` gives them."""
    return {
        ((one.told.subscriber, one.told.via, one.told.alert, str(one.told.change)), one.told.at)
        for one in compared.messages
        if one.moved in ways
    }
