"""What pySigma reads of one YAML document: a rule's or filter's words and log source, and correlations whole.

Every fault that it finds, each at a line of the file. Detections are read by `detections`.
"""

from collections.abc import Mapping
from typing import Any, Final

import sigma.exceptions as sigma_errors
from sigma.correlations import SigmaCorrelationRule
from sigma.filters import SigmaFilter
from sigma.rule import SigmaLevel, SigmaLogSource, SigmaRule, SigmaStatus
from sigma.rule.logsource import EmptyLogSource

from almenara.domain.errors import Fault
from almenara.engine.reading.documents import Document

Parsed = SigmaRule | SigmaCorrelationRule

# Where a fault of pySigma stands: it names the part of the rule, not always the line.
_PLACES: Final[dict[type[Exception], str]] = {
    sigma_errors.SigmaTitleError: "title",
    sigma_errors.SigmaIdentifierError: "id",
    sigma_errors.SigmaNameError: "name",
    sigma_errors.SigmaTaxonomyError: "taxonomy",
    sigma_errors.SigmaLevelError: "level",
    sigma_errors.SigmaStatusError: "status",
    sigma_errors.SigmaDateError: "date",
    sigma_errors.SigmaModifiedError: "modified",
    sigma_errors.SigmaLogsourceError: "logsource",
    sigma_errors.SigmaTagError: "tags",
    sigma_errors.SigmaReferencesError: "references",
    sigma_errors.SigmaFieldsError: "fields",
    sigma_errors.SigmaDescriptionError: "description",
    sigma_errors.SigmaAuthorError: "author",
    sigma_errors.SigmaFalsePositivesError: "falsepositives",
    sigma_errors.SigmaRelatedError: "related",
    sigma_errors.SigmaScopeError: "scope",
    sigma_errors.SigmaLicenseError: "license",
    sigma_errors.SigmaTimespanError: "correlation",
    sigma_errors.SigmaCorrelationRuleError: "correlation",
}
_NAMED_ONLY_IN_WORDS: Final = (("tag", "tags"), ("name", "name"))
_WHERE_IN_CORRELATION: Final = (("timespan", "timespan"), ("condition", "condition"), ("group", "group-by"))

_CURES: Final[Mapping[str, str]] = {
    "title": "title: what it finds, in a few words, at most 256 characters",
    "id": "write a UUID, or leave it out and give a name",
    "name": "letters, digits and _ , beginning with a letter",
    "taxonomy": "leave it out: field names are paths into the event",
    "level": f"one of {', '.join(level.name.lower() for level in SigmaLevel)}",
    "status": f"one of {', '.join(status.name.lower() for status in SigmaStatus)}",
    "date": "write YYYY-MM-DD",
    "modified": "write YYYY-MM-DD",
    "logsource": "for example {product: almenara, category: meeting.held}",
    "tags": "a list such as [attack.t1059]; tags for subscribers stand under almenara: {tags: [...]}",
    "timespan": "a number and one unit (s, m, h, d, w), such as 36h",
    "condition": "{gte: 3} for a count, `a and not b` for an absence",
    "related": "a list of {id: UUID, type: derived | obsolete | merged | renamed | similar}",
    **dict.fromkeys(("references", "fields", "falsepositives", "scope"), "write a list"),
    **dict.fromkeys(("description", "author", "license"), "write one text"),
}
_ONE_BOUND: Final = "ask for one bound (gte, gt, lte, lt, eq or neq); for the other one write a rule of its own"
_OF_ONE_FILE: Final = ("global", "repeat", "reset")


def parse(document: Document) -> tuple[Parsed | None, list[Fault]]:
    """The rule of one document without its detection, None when it cannot be used, and its faults."""
    data = document.data
    if not isinstance(data, dict):
        return None, [document.fault((), "a rule must be a map", "start with title:")]
    if "action" in data and (data["action"] in _OF_ONE_FILE or "detection" not in data):
        cure = "write each rule out in full, as a document of its own behind ---"
        return None, [document.fault(("action",), f"`action: {data['action']}` is not supported", cure)]
    if "correlation" not in data and "detection" not in data:
        return None, [document.fault((), "neither detection nor correlation", "add one of the two")]
    if "correlation" in data and "detection" in data:
        cure = "make two documents of it, with --- between them"
        return None, [document.fault(("detection",), "detection and correlation in one rule", cure)]
    own = _own(document)
    source, faults = log_source(document) if "detection" in data else (None, [])
    try:
        if "correlation" in data:
            parsed: Parsed = SigmaCorrelationRule.from_dict(own, collect_errors=True)
        else:
            words, errors = SigmaRule.from_dict_common_params(own, collect_errors=True)
            parsed = SigmaRule(**words, errors=errors, logsource=source or EmptyLogSource())
    except (sigma_errors.SigmaError, TypeError, ValueError, AttributeError, KeyError) as error:
        return None, [*faults, _placed(document, error)]
    faults += [_placed(document, error) for error in parsed.errors]
    return (None if faults else parsed), faults


def words_of_filter(document: Document) -> list[Fault]:
    """The faults of a filter's own words: title, id, dates ..."""
    try:
        _, errors = SigmaFilter.from_dict_common_params(_own(document), collect_errors=True)
    except (sigma_errors.SigmaError, TypeError, ValueError, AttributeError, KeyError) as error:
        return [_placed(document, error)]
    return [_placed(document, error) for error in errors]


def log_source(document: Document) -> tuple[SigmaLogSource | None, list[Fault]]:
    """The log source of a rule or filter, and its faults."""
    raw = document.data.get("logsource")
    cure = _CURES["logsource"]
    if not isinstance(raw, dict):
        what = "logsource must be a map" if "logsource" in document.data else "there is no logsource"
        return None, [document.fault(("logsource",), what, cure)]
    parts = [part for part in ("category", "product", "service") if raw.get(part) is not None]
    faults = [
        document.fault(("logsource", part), f"'{raw[part]}' is no {part}", "write a name")
        for part in parts
        if not isinstance(raw[part], str) or not raw[part]
    ]
    if not parts:
        what = "logsource names no category, no product and no service"
        faults.append(document.fault(("logsource",), what, cure))
    return (None, faults) if faults else (SigmaLogSource(**{part: raw[part] for part in parts}), [])


def _own(document: Document) -> dict[str, Any]:
    # pySigma would keep our own map as a custom attribute; it is parsed apart. Its UUIDs are made from texts alone.
    own = {key: value for key, value in document.data.items() if key != "almenara"}
    return {**own, "id": str(own["id"])} if own.get("id") is not None else own


def _placed(document: Document, error: Exception) -> Fault:
    text = str(error).rstrip(".")
    part = next((_PLACES[kind] for kind in type(error).__mro__ if kind in _PLACES), "")
    part = part or next((key for word, key in _NAMED_ONLY_IN_WORDS if word in text.lower()), "")
    if part == "correlation":
        inner = next((key for word, key in _WHERE_IN_CORRELATION if word in text.lower()), "")
        cure = _ONE_BOUND if "exactly one condition item" in text else _CURES.get(inner, "")
        return document.fault((part, inner) if inner else (part,), text, cure)
    return document.fault((part,) if part else (), text, _CURES.get(part, ""))
