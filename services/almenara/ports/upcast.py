"""Upcasters: pure functions that raise the data of an old event to the current schema version.

They are part of the engine's semantics version. One function per type and version step; never a class path.
"""

from collections.abc import Callable, Mapping
from typing import Any

Data = dict[str, Any]


def _statement_1_to_2(data: Data) -> Data:
    """Version 1 had `speaker` as a bare name and `speaker_country` beside it; version 2 has one object."""
    if isinstance(data.get("speaker"), str):
        data = dict(data)
        speaker: Data = {"name": data.pop("speaker")}
        for old, new in (("speaker_country", "country"), ("speaker_office", "office")):
            if old in data:
                speaker[new] = data.pop(old)
        data["speaker"] = speaker
    return data


_STEPS: Mapping[tuple[str, int], Callable[[Data], Data]] = {
    ("statement.made", 1): _statement_1_to_2,
}


def upcast(type_: str, version: int, data: Data) -> Data:
    """`data` as version 2 has it; types without a step are the same in both versions."""
    step = _STEPS.get((type_, version))
    return step(data) if step else data
