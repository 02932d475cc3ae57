"""Keys of correlations: the values of the group-by fields of one event, in one spelling."""

import itertools
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, Final

import msgspec

from almenara.domain.ids import canonical
from almenara.engine.rule import Correlation
from almenara.engine.view import View

Key = str
"""The scope (a country, or empty) and the canonical JSON of {group: value}; an empty object without group-by."""

MAX_KEYS: Final = 100
_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class Keys:
    """The keys that events have under one rule."""

    def __init__(self, rule: Correlation) -> None:
        self._rule = rule
        # Canonical JSON is sorted by name; most keys are one text or number each, and need no more than joining.
        groups = sorted(rule.group_by)
        marks = ("{", *[","] * len(groups))
        spelled = [f"{mark}{encode_basestring(group)}:" for mark, group in zip(marks, groups, strict=False)]
        self._groups = {
            member: [(text, rule.field_of(group, member)) for text, group in zip(spelled, groups, strict=True)]
            for member in rule.rules
        }

    def of(self, member: str, view: View) -> list[Key]:
        """Every key that the event has as `member`: one for each combination of list values (at most 100).

        An event without one of the fields has no key and is not correlated.
        """
        groups = self._groups[member]
        if not groups:
            return [view.scope + "{}"]
        key = view.scope
        for spelled, path in groups:
            values = view.values(path)
            if len(values) != 1:
                return keys_of(self._rule, member, view)
            value = values[0]
            if type(value) is str:
                key += spelled + encode_basestring(value)
            elif type(value) is int:
                key += f"{spelled}{value}"
            else:
                return keys_of(self._rule, member, view)
        return [key + "}"]


def keys_of(rule: Correlation, member: str, view: View) -> list[Key]:
    """Every key that the event has as `member` of the rule, the plain way: see `Keys`."""
    choices: list[list[Any]] = []
    for group in rule.group_by:
        values = [value for value in view.values(rule.field_of(group, member)) if value is not None]
        if not values:
            return []
        choices.append(list(dict.fromkeys(str(v) if isinstance(v, Mapping) else v for v in values)))
    combined = itertools.islice(itertools.product(*choices), MAX_KEYS)
    found = (canonical(dict(zip(rule.group_by, combination, strict=True))).decode() for combination in combined)
    return [view.scope + key for key in found]


def read_key(key: Key) -> dict[str, Any]:
    """The key as a dictionary of group-by field to value."""
    return _decoder.decode(key[key.index("{") :])
