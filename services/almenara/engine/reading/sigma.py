"""One YAML document to one parsed Sigma rule, with every fault that pySigma finds, each at a line of the file."""

from typing import Any, Final

import sigma.exceptions as sigma_errors
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from almenara.domain.errors import Fault
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
        parsed: Parsed = kind.from_dict(own, collect_errors=True)
    except (sigma_errors.SigmaError, TypeError, ValueError, AttributeError, KeyError) as error:
        return None, [_placed(document, error)]
    faults = [_placed(document, error) for error in parsed.errors]
    if isinstance(parsed, SigmaRule) and not any("detection" in str(f.line) for f in faults):
        faults += _condition_faults(document, parsed)
    return (None if faults else parsed), faults


def _condition_faults(document: Document, rule: SigmaRule) -> list[Fault]:
    # Conditions are parsed lazily; a rule whose detection failed has none to look at.
    conditions = getattr(rule.detection, "parsed_condition", None)
    if conditions is None:
        return []
    faults = []
    for condition in conditions:
        try:
            condition.parse()
        except (sigma_errors.SigmaError, TypeError, AttributeError) as error:  # pySigma trusts that it is text
            path = ("detection", "condition")
            faults.append(document.fault(path, f"the condition cannot be read: {error}", "check names and brackets"))
    return faults


def _placed(document: Document, error: Exception) -> Fault:
    text = str(error).rstrip(".")
    part = next((_PLACES[kind] for kind in type(error).__mro__ if kind in _PLACES), "")
    if part == "correlation":
        inner = next((key for word, key in _WHERE_IN_CORRELATION if word in text.lower()), "")
        cure = "{gte: 3} for a count, `a and not b` for an absence" if inner == "condition" else ""
        return document.fault((part, inner) if inner else (part,), text, cure)
    if part == "detection" and isinstance(error, sigma_errors.SigmaModifierError):
        return document.fault(_field_with(document, text), text, "see the modifiers of the Sigma specification")
    return document.fault((part,) if part else (), text)


def _field_with(document: Document, text: str) -> tuple[str | int, ...]:
    """The path of the detection field that holds the modifier which a fault names."""
    word = text.split()[-1].strip("'\"")
    for path in document.places:
        if path and path[0] == "detection" and f"|{word}" in str(path[-1]):
            return path
    return ("detection",)
