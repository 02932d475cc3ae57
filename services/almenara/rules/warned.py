"""A warning: something sound that looks wrong. What there can be warnings about."""

from dataclasses import dataclass
from enum import StrEnum

from almenara.domain.errors import Fault


class Kind(StrEnum):
    """What a warning is about. A closed list; each is explained in the docs."""

    NEVER = "never_fires"
    ALWAYS = "always_fires"
    COSTLY = "costs_every_event"
    OVERLAP = "overlaps"
    IDLE_ITEM = "idle_item"
    UNTESTED = "no_tests"
    UNOWNED = "no_owner"
    UNLEVELLED = "no_level"
    EMPTY_LIST = "empty_list"
    UNUSED_LIST = "unused_list"
    REVIEW_DUE = "review_due"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning: its kind, and place, words and cure as faults have them."""

    kind: Kind
    fault: Fault
