"""Which detector runs which kind of rule, and what its state is."""

from dataclasses import dataclass
from datetime import timedelta

from almenara.engine.detectors.absence import AbsenceDetector
from almenara.engine.detectors.coverage import Readings
from almenara.engine.detectors.detector import Detector
from almenara.engine.detectors.kept import AbsenceState
from almenara.engine.detectors.patterns import pattern_of
from almenara.engine.detectors.timeline import TimelineDetector, TimelineState
from almenara.engine.rule import AbsenceRule, Correlation

State = AbsenceState | TimelineState
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
    pattern = pattern_of(rule)
    if pattern is None:
        raise TypeError(f"no detector runs a {type(rule).__name__}")
    timeline = state if isinstance(state, TimelineState) else TimelineState()
    return TimelineDetector(rule, pattern, timeline, around.lateness), timeline
