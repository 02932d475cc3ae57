"""What pySigma reads of one YAML document: a rule's or filter's words and log source, and correlations.

Every fault that there is, each at a line of the file. Detections are read by `detections`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sigma.exceptions as sigma_errors
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaLevel, SigmaLogSource, SigmaRule, SigmaStatus
from sigma.rule.logsource import EmptyLogSource

from almenara.domain.errors import Fault
from almenara.engine.reading.correlation_parts import PartsReader
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
    sigma_errors.SigmaCorrelationRuleError: "correlation",
}
_NAMED_ONLY_IN_WORDS: Final = (("tag", "tags"), ("name", "name"))

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
    "related": "a list of {id: UUID, type: derived | obsolete | merged | renamed | similar}",
    **dict.fromkeys(("references", "fields", "falsepositives", "scope"), "write a list"),
    **dict.fromkeys(("description", "author", "license"), "write one text"),
}
_OF_ONE_FILE: Final = ("global", "repeat", "reset")
_LONGEST_TITLE: Final = 256
_PARSED_APART: Final = ("almenara", "correlation", "detection", "logsource")
_ERRORS: Final = (sigma_errors.SigmaError, TypeError, ValueError, AttributeError, KeyError)


@dataclass(slots=True)
class Read:
    """One document without its detection: the rule, None when it cannot be used at all, and the faults.

    In the place of what has faults stands nothing, or in a correlation something sound: `broken` names those parts.
    """

    rule: Parsed | None = None
    faults: list[Fault] = field(default_factory=list)
    broken: frozenset[str] = frozenset()


def parse(document: Document) -> Read:
    """Everything that can be read of one document, and everything that is wrong with it."""
    data = document.data
    if not isinstance(data, dict):
        return Read(faults=[document.fault((), "a rule must be a map", "start with title:")])
    if "action" in data and (data["action"] in _OF_ONE_FILE or "detection" not in data):
        cure = "write each rule out in full, as a document of its own behind ---"
        return Read(faults=[document.fault(("action",), f"`action: {data['action']}` is not supported", cure)])
    words, faults = _words(document)
    if "correlation" not in data and "detection" not in data:
        return Read(faults=[*faults, document.fault((), "neither detection nor correlation", "add one of the two")])
    if "correlation" in data and "detection" in data:
        cure = "make two documents of it, with --- between them"
        twice = document.fault(("detection",), "detection and correlation in one rule", cure)
        return Read(faults=[*faults, twice, *_correlation(document, words).faults])
    if "correlation" in data:
        read = _correlation(document, words)
        return Read(read.rule, [*faults, *read.faults], read.broken)
    source, wrong = log_source(document)
    made, errors = SigmaRule.from_dict_common_params(words, collect_errors=True)
    rule = SigmaRule(**made, errors=errors, logsource=source or EmptyLogSource())
    return Read(None if source is None else rule, [*faults, *wrong])


def _correlation(document: Document, words: dict[str, Any]) -> Read:
    reader = PartsReader(document)
    own = {**words, "correlation": reader.read()}
    try:
        rule = SigmaCorrelationRule.from_dict(own, collect_errors=True)
    except _ERRORS as error:
        return Read(faults=[*reader.faults, _placed(document, error)])
    errors = [_placed(document, error) for error in rule.errors]
    return Read(rule, [*reader.faults, *errors], frozenset(reader.broken))


def words_of_filter(document: Document) -> list[Fault]:
    """The faults of a filter's own words: title, id, dates ..."""
    return _words(document)[1]


def _words(document: Document) -> tuple[dict[str, Any], list[Fault]]:
    """A document's own words (title, id, dates ...) without those that have faults, and the faults."""
    # pySigma would keep our own map as a custom attribute; it is parsed apart. Its UUIDs are made from texts alone.
    own = {key: value for key, value in document.data.items() if key not in _PARSED_APART}
    own |= {"id": str(own["id"])} if own.get("id") is not None else {}
    errors = _errors(own)
    wrong = {_part(error) for error in errors}
    sound = {"title": "?"} | {key: value for key, value in own.items() if key not in wrong}
    if errors and _errors(sound):  # an error that does not say where it stands
        sound = {"title": str(own.get("name") or own.get("title") or "?")[:_LONGEST_TITLE]}
    return sound, [_placed(document, error) for error in errors]


def _errors(words: dict[str, Any]) -> list[Exception]:
    try:
        return list(SigmaRule.from_dict_common_params(words, collect_errors=True)[1])
    except _ERRORS as error:
        return [error]


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


def _part(error: Exception) -> str:
    """The key that an error of pySigma speaks of; empty where it does not say."""
    text = str(error).lower()
    part = next((_PLACES[kind] for kind in type(error).__mro__ if kind in _PLACES), "")
    return part or next((key for word, key in _NAMED_ONLY_IN_WORDS if word in text), "")


def _placed(document: Document, error: Exception) -> Fault:
    part = _part(error)
    return document.fault((part,) if part else (), str(error).rstrip("."), _CURES.get(part, ""))
