"""YAML documents with places: plain data, and for every key and item the line it stands on.

Refuses what YAML makes dangerous or ambiguous: aliases (bombs, loops), duplicate keys, tags, and sizes beyond bounds.
Text in, data out; reading files is somebody else's work.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import yaml

from almenara.domain.errors import Fault

MAX_BYTES: Final = 2_000_000
MAX_DEPTH: Final = 40
MAX_BROKEN: Final = 20

# What YAML calls unprintable, and halves of surrogate pairs: the scanner stops there without naming a line.
_NO_TEXT: Final = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\\ud800-\\udfff\\ufffe\\uffff]")

_MARK: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)

Path = tuple[str | int, ...]
Place = tuple[int, int]

_TEXT: Final = "tag:yaml.org,2002:str"
_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "map", "seq")
)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its data, the file's name, and the (line, column) of each path in it, both from 1."""

    file: str
    data: Any
    places: Mapping[Path, Place] = field(repr=False)

    def line(self, *path: str | int) -> int:
        """The line of a path, or of the nearest parent that has one."""
        return self.place(*path)[0]

    def place(self, *path: str | int) -> Place:
        """The (line, column) of a path, or of the nearest parent that has one."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def fault(self, path: Path, what: str, cure: str = "") -> Fault:
        """A fault at a path of this document."""
        line, column = self.place(*path)
        return Fault(self.file, line, what, cure, column)


class _Refused(Exception):
    def __init__(self, mark: Any, what: str, cure: str) -> None:
        self.mark, self.what, self.cure = mark, what, cure


def read(text: str | bytes, file: str) -> tuple[list[Document], list[Fault]]:
    """All sound documents of a YAML text, and one fault for each that cannot be read (the first 20 of a file)."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            return [], [Fault(file, line, "not UTF-8 text", "save the file as UTF-8")]
    if (odd := _NO_TEXT.search(text)) is not None:
        line = text[: odd.start()].count("\n") + 1
        return [], [Fault(file, line, f"the character U+{ord(odd[0]):04X} is no text", "remove it")]
    if len(text) > MAX_BYTES:
        return [], [Fault(file, 0, f"larger than {MAX_BYTES:,} characters", "split the file")]
    documents: list[Document] = []
    faults: list[Fault] = []
    start: int | None = 0
    while start is not None and len(faults) < MAX_BROKEN:
        found, fault = _read_from(text, start, file)
        documents += found
        if fault is None:
            break
        faults.append(fault)
        start = _next_document(text, start, fault.line)
    return documents, faults


def _next_document(text: str, start: int, line: int) -> int | None:
    """Where the first document from this line on begins, behind the one at `start`: one fault must hide no other."""
    before = sum(map(len, text.splitlines(keepends=True)[: line - 1])) if line else len(text)
    found = _MARK.search(text, max(before, start + 1))
    return found.start() if found else None


def _read_from(text: str, start: int, file: str) -> tuple[list[Document], Fault | None]:
    """The documents from a place in the text on, up to its end or the first fault."""
    above = len(text[:start].splitlines())
    text = text[start:]
    documents: list[Document] = []
    loader = yaml.CSafeLoader(text)
    try:
        sound, danger = _sound_documents(text)
        while loader.check_node():
            if danger is not None and sound == 0:
                raise danger
            sound -= 1
            reading = _Reading(above)
            data = reading.value(cast("yaml.Node", loader.get_node()), (), 0)
            if data is not None:
                documents.append(Document(file, data, reading.places))
    except _Refused as error:
        return documents, Fault(file, above + error.mark.line + 1, error.what, error.cure, error.mark.column + 1)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (above + mark.line + 1, mark.column + 1) if mark else (0, 0)
        return documents, Fault(file, line, f"not YAML: {error.problem}", "check indents and quotes", column)
    except yaml.YAMLError as error:
        return documents, Fault(file, 0, f"not YAML: {error}", "check for control characters")
    finally:
        loader.dispose()
    return documents, None


def _sound_documents(text: str) -> tuple[int, _Refused | None]:
    """How many documents stand before the first danger, and the danger.

    The composer would share nodes, and a bomb of them grows without bound; it recurses in C, where a deep nest ends
    the process. So the flat events are looked at first. What is no YAML at all is left to the composer to find.
    """
    started = depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                started += 1
            elif isinstance(event, yaml.AliasEvent):
                raise _Refused(event.start_mark, "a YAML alias (*name) is not allowed", "write the value out")
            elif isinstance(event, yaml.CollectionStartEvent):
                _refuse_depth(event, depth)
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except _Refused as danger:
        return started - 1, danger
    except yaml.YAMLError:
        return started, None
    return started, None


def _refuse_depth(found: yaml.Event | yaml.Node, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _Refused(found.start_mark, f"nested deeper than {MAX_DEPTH}", "flatten the document")


class _Reading:
    def __init__(self, above: int) -> None:
        self._above = above
        self.places: dict[Path, Place] = {}

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        _refuse_depth(node, depth)
        self.places.setdefault(path, self._place(node))
        if node.tag not in _TAGS:
            raise _Refused(node.start_mark, f"the tag {node.tag} is not allowed", "write plain data")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, index), depth + 1) for index, child in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused(key_node.start_mark, "a key must be plain text", "quote the key")
            key = str(key_node.value)
            if key in found:
                raise _Refused(key_node.start_mark, f"the key '{key}' stands twice", "keep one of the two")
            self.places[(*path, key)] = self._place(key_node)
            found[key] = self.value(value_node, (*path, key), depth + 1)
        return found

    def _place(self, node: yaml.Node) -> Place:
        return self._above + node.start_mark.line + 1, node.start_mark.column + 1


def _scalar(node: yaml.Node) -> Any:
    if node.tag == _TEXT:
        return node.value  # as the loader would have it, which takes time to be made
    if node.tag.endswith((":timestamp", ":value", ":merge")):
        return str(node.value)
    if node.tag.endswith((":int", ":float")) and ":" in str(node.value):
        return str(node.value)  # YAML 1.1 would read 22:00 as 1320 (base 60)
    try:
        made = yaml.CSafeLoader("").construct_object(node)
    except (ValueError, LookupError):
        kind = node.tag.rpartition(":")[2]
        raise _Refused(node.start_mark, f"'{str(node.value)[:40]}' is no {kind}", "quote it, or drop the tag") from None
    if isinstance(made, float) and not math.isfinite(made):
        raise _Refused(node.start_mark, f"{node.value} is not a finite number", "write a number")
    return made
