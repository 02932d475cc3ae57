"""The wiring of `explain EVENT --rule R`: the rules' own fold over the event's partition, then the question."""

from almenara.audit.explain import WhyNot, find_event, why_not
from almenara.domain.errors import Missing, Rejected
from almenara.engine.engine import Engine
from almenara.ports.log import EVENTS, read_range
from almenara.ports.processor import history_of
from almenara.ports.store import Store
from almenara.rules.service import RulesProcessor


def explain_event(store: Store, name: str, rule: str) -> WhyNot:
    """What the rule made of the event of this id or position. Raises Missing."""
    event, record = find_event(store, name)
    return why_not(active_engine(store, record.partition), event, rule)


def active_engine(store: Store, partition: int) -> Engine:
    """The engine as it stands at the end of a partition. Raises Missing before any activation."""
    fold = RulesProcessor(store, recorded=store).open(partition, None, history_of(store, EVENTS, partition))
    for record in read_range(store, EVENTS, partition):
        try:
            fold.apply(record)
        except Rejected:
            continue
    if fold.engine is None:
        raise Missing("no ruleset is active; run `almenara rules activate`")
    return fold.engine
