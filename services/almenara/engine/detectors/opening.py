"""Which detector runs which kind of rule, and what its state is."""

from dataclasses import dataclass
from datetime import timedelta

from almenara.engine.detectors.absence import AbsenceDetector, AbsenceState
from almenara.engine.detectors.coverage import Readings
from almenara.engine.detectors.detector import Detector
from almenara.engine.detectors.threshold import ThresholdDetector, ThresholdState
from almenara.engine.rule import AbsenceRule, AggregateRule, Correlation

State = AbsenceState | ThresholdState
"""What any detector remembers; tagged, so that a snapshot gives back the right one."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What detectors share: the readings of sources, and how late an event may come (None: no bound)."""

    readings: Readings
    lateness: timedelta | None


def open_detector(rule: Correlation, state: State | None, around: Surroundings) -> tuple[Detector, State]:
    """The detector of a rule over its state, a new one where none is given."""
    if isinstance(rule, AbsenceRule):
        held = state if isinstance(state, AbsenceState) else AbsenceState()
        return AbsenceDetector(rule, held, around.readings), held
    if isinstance(rule, AggregateRule):
        counts = state if isinstance(state, ThresholdState) else ThresholdState()
        return ThresholdDetector(rule, counts, around.lateness), counts
    raise TypeError(f"no detector runs a {type(rule).__name__}")
