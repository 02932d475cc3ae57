"""Checks data against a pydantic model and says every fault in plain words, at its place, with its cure.

Knows where a value came from (a file's line, an environment variable, the command line), not what it is for.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from almenara.app.fields import Invalid, nearest
from almenara.domain.errors import Fault
from almenara.engine.reading.documents import Document
from almenara.engine.reading.documents import Path as Keys

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED: Final = {
    "string_type": ("text", "put it in quotes"),
    "int_type": ("a whole number", "write it without quotes and without a decimal point"),
    "bool_type": ("true or false", ""),
    "model_type": ("a map of keys", "write its keys below it, indented"),
    "dict_type": ("a map of keys", "write its keys below it, indented"),
    "tuple_type": ("a list", "write it in [ ]"),
    "path_type": ("a path", "put it in quotes"),
}


@dataclass(slots=True)
class Origins:
    """Where each value came from.

    `named` maps a path to what gave it instead of the file. `hidden` values are never shown. Faults of `missing` values
    have been told already.
    """

    document: Document
    named: dict[Keys, str] = field(default_factory=dict)
    hidden: set[Keys] = field(default_factory=set)
    missing: set[Keys] = field(default_factory=set)

    def fault(self, path: Keys, what: str, cure: str = "") -> Fault:
        """A fault of the value at `path`, at the place that gave it."""
        dotted = ".".join(str(key) for key in path)
        what = f"{dotted}: {what}" if dotted else what
        for end in range(len(path), 0, -1):
            if path[:end] in self.named:
                return Fault(self.named[path[:end]], 0, what, cure)
        return self.document.fault(path, what, cure)


def validate(model: type[Model], data: Any, origins: Origins, path: Keys = ()) -> tuple[Model | None, list[Fault]]:
    """The model made of `data` (which stands at `path`), or None and every fault."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        found = error.errors(include_url=False)
    faults = [_fault(model, one, origins, path) for one in found]
    return None, [fault for fault in faults if fault is not None]


def unknown_key(key: str, known: typing.Iterable[str]) -> tuple[str, str]:
    """What to say of a key that nobody knows: what is wrong, and the nearest known one."""
    return f"unknown key '{key}'", nearest(key, known)


def kind_of(value: object) -> str:
    """What a value is, in plain words and without its content."""
    words = {type(None): "nothing", bool: "true or false", int: "a whole number", float: "a number"}
    words |= {str: "text", list: "a list", dict: "a map"}
    return words.get(type(value), "something else")


def model_at(model: Any, path: Keys) -> Any:
    """The type that stands at `path` below a model: a model, another annotation, or None when there is none."""
    found: Any = model
    for key in path:
        found = _plain(found)
        if isinstance(found, type) and issubclass(found, BaseModel):
            found = _field_types(found).get(str(key))
        elif typing.get_origin(found) in (dict, Mapping):
            found = typing.get_args(found)[1]
        elif typing.get_origin(found) is tuple:
            found = typing.get_args(found)[0]
        else:
            return None
    return _plain(found)


def keys_of(model: type[BaseModel]) -> dict[str, str]:
    """The keys as people write them, each with the name of its field."""
    return {info.alias or name: name for name, info in model.model_fields.items()}


def _field_types(model: type[BaseModel]) -> dict[str, Any]:
    return {key: model.model_fields[name].annotation for key, name in keys_of(model).items()}


def _plain(annotation: Any) -> Any:
    """An annotation without `Annotated` and `| None`."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return _plain(kinds[0])
    return annotation


def _fault(model: type[BaseModel], error: Any, origins: Origins, base: Keys) -> Fault | None:
    local = tuple(part for part in error["loc"] if part != "[key]")
    path = (*base, *local)
    if any(path[:end] in origins.missing for end in range(len(path) + 1)):
        return None
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        parent = model_at(model, local[:-1])
        what, cure = unknown_key(str(local[-1]), keys_of(parent) if parent else ())
        return _at(origins, path, what, cure)
    if kind == "missing":
        return _at(origins, path, "is missing", "add it")
    if value is None:
        return origins.fault(path, "is empty", "give it a value, or remove the key")
    if kind in _EXPECTED:
        expected, cure = _EXPECTED[kind]
        return origins.fault(path, f"should be {expected}, is {kind_of(value)}", cure)
    if kind == "literal_error":
        allowed = typing.get_args(model_at(model, local))
        return origins.fault(path, f"not one of {', '.join(allowed)}", _nearest_shown(value, allowed, path, origins))
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Invalid):
        return origins.fault(path, cause.what, "" if path in origins.hidden and "'" in cause.cure else cause.cure)
    if kind == "value_error":
        return origins.fault(path, f"{cause}, is {kind_of(value)}", "put it in quotes")
    return origins.fault(path, str(error["msg"]).lower())  # bounds: the message names the bound, not the value


def _at(origins: Origins, path: Keys, what: str, cure: str) -> Fault:
    """As `origins.fault`, said of the parent: the last key is named in `what` already, or is not there."""
    fault = origins.fault(path, "", cure)
    parent = ".".join(str(key) for key in path[:-1])
    said = what if what.startswith("unknown") else f"'{path[-1]}' {what}"
    return Fault(fault.file, fault.line, f"{parent}: {said}" if parent else said, cure, fault.column)


def _nearest_shown(value: object, allowed: tuple[str, ...], path: Keys, origins: Origins) -> str:
    if path in origins.hidden or not isinstance(value, str):
        return "write one of them in quotes" if not isinstance(value, str) else ""
    hint = nearest(value, allowed)
    return hint if hint.startswith("did") else ""
