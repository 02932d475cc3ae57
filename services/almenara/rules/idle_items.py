"""Items of a detection that change nothing: the condition does not name them, or the rest of it says it already."""

from collections.abc import Collection, Iterator

from almenara.engine.expression import Not
from almenara.engine.matching.logic import NEVER, Logic
from almenara.engine.reading.detections import DetectionReader
from almenara.engine.reading.documents import Document

_REMOVE = "remove it, or name it in the condition"


def idle_items(document: Document, lists: Collection[str], logic: Logic) -> Iterator[tuple[str, str, str]]:
    """Each idle item of a sound rule's detection: its name, what is idle about it, and the cure."""
    reader = DetectionReader(document, "detection", lists)
    whole = reader.read()
    if whole is None:
        return
    for item in reader.selections:
        without, given = reader.with_selection(item, NEVER), reader.with_selection(item, Not(NEVER))
        if without is None or given is None:
            continue
        if without == given == whole:
            yield item, f"the condition does not name '{item}'", _REMOVE
        elif logic.same(without, whole):
            yield item, f"'{item}' adds nothing: what meets it meets the rest of the condition too", "remove it"
        elif logic.same(given, whole):
            yield item, f"'{item}' asks for nothing more: what meets the rest of the condition meets it", "remove it"
