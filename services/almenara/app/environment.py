"""Settings by environment variables: `ALMENARA_` and the path in capitals, `__` between its parts.

Knows how a path is spelled as a variable and how a text becomes a value; not which settings there are.
"""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from almenara.app.fields import nearest
from almenara.app.validation import keys_of, model_at
from almenara.domain.errors import Fault
from almenara.engine.reading.documents import Path as Keys

PREFIX: Final = "ALMENARA_"
ANY: Final = "<name>"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its dotted path (`<name>` where any name may stand), its variable, and its field."""

    path: str
    variable: str
    field: FieldInfo


def settings_of(model: type[BaseModel], path: Keys = ()) -> Iterator[Setting]:
    """Every setting of a model, in the order of its fields."""
    for key, name in keys_of(model).items():
        here = (*path, key)
        inner = model_at(model, (key,))
        if _is_map(inner):
            here = (*here, ANY)
            inner = model_at(model, (key, ANY))
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from settings_of(inner, here)
        else:
            yield Setting(".".join(str(part) for part in here), variable_of(here), model.model_fields[name])


def variable_of(path: Keys) -> str:
    """The environment variable of a path."""
    return PREFIX + "__".join(str(part) if part == ANY else str(part).upper() for part in path)


def values_in(
    environ: Mapping[str, str], model: type[BaseModel], exempt: frozenset[str]
) -> tuple[dict[Keys, tuple[str, Any]], list[Fault]]:
    """The settings that the environment gives (path to variable and value), and a fault for each unknown variable."""
    found: dict[Keys, tuple[str, Any]] = {}
    faults: list[Fault] = []
    known = {setting.variable for setting in settings_of(model)}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in exempt:
            continue
        path: Keys = tuple(part.lower() for part in variable.removeprefix(PREFIX).split("__"))
        kind = model_at(model, path)
        if kind is None or not all(path):
            cure = nearest(variable, known)
            what = "names no setting"
            faults.append(Fault(place(variable), 0, what, cure if cure.startswith("did") else "unset it"))
        elif _is_map(kind) or (isinstance(kind, type) and issubclass(kind, BaseModel)):
            faults.append(Fault(place(variable), 0, "names a section", f"name one setting in it: {variable}__..."))
        else:
            found[path] = (variable, typed(environ[variable], kind))
    return found, faults


def place(variable: str) -> str:
    """How a fault names a variable as its place."""
    return f"environment variable {variable}"


def _is_map(kind: Any) -> bool:
    return typing.get_origin(kind) in (dict, Mapping)


def typed(text: str, kind: Any) -> Any:
    """A text as the kind of value that a file would hold; what cannot be one stays text and is refused later."""
    if typing.get_origin(kind) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind is int and text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    return text
