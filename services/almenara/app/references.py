"""References in configuration: `${env:NAME}` and `${file:PATH}` inside any text are replaced by what they name.

What a reference gives is never printed: a fault names the reference, not its contents. `$${` stands for a plain `${`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from almenara.domain.errors import Fault
from almenara.engine.reading.documents import Path as Keys

MAX_FILE_BYTES: Final = 64 * 1024

_REFERENCE: Final = re.compile(r"\$(\$\{)|\$\{([^{}]*)\}")
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

FaultAt = Callable[[Keys, str, str], Fault]


class _Unresolved(Exception):
    def __init__(self, what: str, cure: str) -> None:
        self.what, self.cure = what, cure


@dataclass(slots=True)
class Resolved:
    """Data with its references replaced. `hidden` are the paths whose text came from one, `missing` those without."""

    data: Any
    hidden: set[Keys] = field(default_factory=set)
    missing: set[Keys] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class References:
    """What references may name: environment variables, and files (a relative path starts at `base`)."""

    environ: Mapping[str, str]
    base: Path

    def resolve(self, data: Any, fault: FaultAt) -> Resolved:
        """`data` with every reference in its texts replaced, and all faults; what cannot be resolved is empty."""
        resolved = Resolved(None)
        resolved.data = self._value(data, (), resolved, fault)
        return resolved

    def _value(self, value: Any, path: Keys, resolved: Resolved, fault: FaultAt) -> Any:
        if isinstance(value, dict):
            return {key: self._value(item, (*path, key), resolved, fault) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, (*path, index), resolved, fault) for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        try:
            text = _REFERENCE.sub(self._replacement, value)
        except _Unresolved as error:
            resolved.missing.add(path)
            resolved.faults.append(fault(path, error.what, error.cure))
            return ""
        if any(match[2] is not None for match in _REFERENCE.finditer(value)):
            resolved.hidden.add(path)
        return text

    def _replacement(self, match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        kind, _, name = match[2].partition(":")
        if kind == "env" and _ENV_NAME.fullmatch(name):
            return self._variable(name)
        if kind == "file" and name:
            return self._file(name)
        raise _Unresolved("not a reference that is known", "write ${env:NAME} or ${file:PATH}, or $${ for a plain ${")

    def _variable(self, name: str) -> str:
        if name not in self.environ:
            raise _Unresolved(f"the environment variable {name} is not set", f"set {name}")
        return self.environ[name]

    def _file(self, name: str) -> str:
        path = self.base / Path(name)
        try:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "not a path"
            raise _Unresolved(f"the file {name} cannot be read ({why})", "create it, or correct the path") from None
        if len(content) > MAX_FILE_BYTES:
            raise _Unresolved(f"the file {name} is larger than {MAX_FILE_BYTES} bytes", "name a smaller file")
        try:
            return content.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise _Unresolved(f"the file {name} is not UTF-8 text", "save it as UTF-8") from None


def variables_named_in(text: str) -> frozenset[str]:
    """The environment variables that a text refers to."""
    names = (match[2][4:] for match in _REFERENCE.finditer(text) if match[2] and match[2].startswith("env:"))
    return frozenset(names)
