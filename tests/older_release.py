"""A release with older engine semantics, as far as a log can tell: it writes its own version, and decides otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from almenara.app import activation, startup
from almenara.ports.log import ALERTS, Record
from almenara.ports.processor import Fold, History, Outputs
from almenara.rules import decide, service, upgrade
from almenara.rules.service import RulesProcessor

OLDER = "1"
_UNKNOWN = (b'"rule":"strong"', b'"reason":"rule_changed"')


@contextmanager
def older_release() -> Iterator[None]:
    """Everything in here is done by the older release."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (activation, startup, decide, service, upgrade):
            patch.setattr(module, "SEMANTICS", OLDER)
        patch.setattr(RulesProcessor, "version", f"rules/{OLDER}.1")
        yield


class OlderProcessor(RulesProcessor):
    """Decides as the older release did: it knew no statements, and left alerts open that no rule goes on with."""

    def open(self, partition: int, state: bytes | None, history: History) -> Fold:  # type: ignore[override]
        return _Older(super().open(partition, state, history))


class _Older:
    def __init__(self, fold: Fold) -> None:
        self._fold = fold

    def apply(self, record: Record) -> Outputs:
        found = self._fold.apply(record)
        entries = [one for one in found.entries if one.stream != ALERTS or not any(w in one.body for w in _UNKNOWN)]
        return Outputs(entries, found.sends)

    def snapshot(self) -> bytes:
        return self._fold.snapshot()
