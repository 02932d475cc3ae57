"""One YAML document to one parsed Sigma rule, with every fault that pySigma finds, each at a line of the file."""

import re
from collections.abc import Mapping
from typing import Any, Final

import sigma.exceptions as sigma_errors
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaLevel, SigmaRule, SigmaStatus

from almenara.domain.errors import Fault
from almenara.engine.reading.detections import POLICY, condition_faults, item_faults
from almenara.engine.reading.documents import Document

Parsed = SigmaRule | SigmaCorrelationRule

# Where a fault of pySigma stands: it names the part of the rule, not always the line.
_PLACES: Final[dict[type[Exception], str]] = {
    sigma_errors.SigmaTitleError: "title",
    sigma_errors.SigmaIdentifierError: "id",
    sigma_errors.SigmaNameError: "name",
    sigma_errors.SigmaLevelError: "level",
    sigma_errors.SigmaStatusError: "status",
    sigma_errors.SigmaDateError: "date",
    sigma_errors.SigmaModifiedError: "modified",
    sigma_errors.SigmaLogsourceError: "logsource",
    sigma_errors.SigmaDetectionError: "detection",
    sigma_errors.SigmaConditionError: "detection",
    sigma_errors.SigmaModifierError: "detection",
    sigma_errors.SigmaTypeError: "detection",
    sigma_errors.SigmaRegularExpressionError: "detection",
    sigma_errors.SigmaTagError: "tags",
    sigma_errors.SigmaReferencesError: "references",
    sigma_errors.SigmaFieldsError: "fields",
    sigma_errors.SigmaDescriptionError: "description",
    sigma_errors.SigmaAuthorError: "author",
    sigma_errors.SigmaFalsePositivesError: "falsepositives",
    sigma_errors.SigmaRelatedError: "related",
    sigma_errors.SigmaTimespanError: "correlation",
    sigma_errors.SigmaCorrelationRuleError: "correlation",
}
_WHERE_IN_CORRELATION: Final = (("timespan", "timespan"), ("condition", "condition"), ("group", "group-by"))

_STUMBLED: Final = re.compile(r"found (.+?)\s+\(at char (\d+)\)")
_CURES: Final[Mapping[str, str]] = {
    "title": "title: what it finds, in a few words, at most 256 characters",
    "id": "write a UUID, or leave it out and give a name",
    "name": "letters, digits and _ , beginning with a letter",
    "level": f"one of {', '.join(level.name.lower() for level in SigmaLevel)}",
    "status": f"one of {', '.join(status.name.lower() for status in SigmaStatus)}",
    "date": "write YYYY-MM-DD",
    "modified": "write YYYY-MM-DD",
    "logsource": "for example {product: almenara, category: meeting.held}",
    "tags": "a list such as [attack.t1059]; tags for subscribers stand under almenara: {tags: [...]}",
    "timespan": "a number and one unit (s, m, h, d, w), such as 36h",
    "condition": "{gte: 3} for a count, `a and not b` for an absence",
    "references": "write a list",
    "fields": "write a list",
    "falsepositives": "write a list",
}


def parse(document: Document) -> tuple[Parsed | None, list[Fault]]:
    """The rule of one document, None when it cannot be used, and its faults."""
    data = document.data
    if not isinstance(data, dict):
        return None, [document.fault((), "a rule must be a map", "start with title:")]
    if "action" in data:
        return None, [document.fault(("action",), "`action: global` is not supported", "write each rule out in full")]
    if data.get("type") == "filter" or "filter" in data:
        return None, [document.fault((), "filter documents are not supported yet", "put the exception into the rule")]
    if "correlation" not in data and "detection" not in data:
        return None, [document.fault((), "neither detection nor correlation", "add one of the two")]
    # pySigma keeps our own map as a custom attribute; it is parsed apart.
    own = {key: value for key, value in data.items() if key != "almenara"}
    kind: Any = SigmaCorrelationRule if "correlation" in data else SigmaRule
    try:
        parsed: Parsed = kind.from_dict(own, collect_errors=True, policy=POLICY)
    except (sigma_errors.SigmaError, TypeError, ValueError, AttributeError, KeyError) as error:
        return None, [_placed(document, error)]
    if isinstance(parsed, SigmaCorrelationRule):
        faults = [_placed(document, error) for error in parsed.errors]
    else:
        faults = _faults(document, parsed)
    return (None if faults else parsed), faults


def _faults(document: Document, rule: SigmaRule) -> list[Fault]:
    """All that is wrong with a rule over one event: pySigma's faults, its one of the detection taken apart."""
    items, names = item_faults(document), condition_faults(document)
    kept = [error for error in rule.errors if not (items and _part(error) == "detection")]
    faults = [*(_placed(document, error) for error in kept), *items, *names]
    return faults if names or not rule.detection.detections else [*faults, *_syntax_faults(document, rule)]


def _syntax_faults(document: Document, rule: SigmaRule) -> list[Fault]:
    faults = []
    for condition in rule.detection.parsed_condition:  # parsed now: pySigma does it lazily
        try:
            condition.parse()
        except (sigma_errors.SigmaError, TypeError, AttributeError) as error:  # pySigma trusts that it is text
            path = ("detection", "condition")
            # The parser lists its whole grammar; a person needs what it stumbled over.
            stumbled = _STUMBLED.search(str(error))
            why = f"{stumbled[1]} at its character {int(stumbled[2]) + 1} is unexpected" if stumbled else str(error)
            cure = "join names with and, or, not; check brackets"
            faults.append(document.fault(path, f"the condition cannot be read: {why}", cure))
    return faults


def _placed(document: Document, error: Exception) -> Fault:
    text = str(error).rstrip(".")
    part = _part(error)
    if part == "correlation":
        inner = next((key for word, key in _WHERE_IN_CORRELATION if word in text.lower()), "")
        return document.fault((part, inner) if inner else (part,), text, _CURES.get(inner, ""))
    return document.fault((part,) if part else (), text, _CURES.get(part, ""))


def _part(error: Exception) -> str:
    return next((_PLACES[kind] for kind in type(error).__mro__ if kind in _PLACES), "")
