"""Configuration files: read within bounds, one map each; keys of later releases are refused, not ignored.

Knows nothing of what the keys mean.
"""

from pathlib import Path
from typing import Any

from almenara.app.references import variables_named_in
from almenara.app.validation import Origins
from almenara.domain.errors import Fault
from almenara.engine.reading.documents import MAX_BYTES, Document, read
from almenara.engine.reading.documents import Path as Keys


def read_document(file: Path, *, required: bool = True) -> tuple[Document, list[Fault]]:
    """The one YAML document of a file, a map of keys (an empty file is an empty map), and what is wrong with it."""
    empty = Document(str(file), {}, {})
    if not required and not file.exists():
        return empty, []
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        cure = "name the folder" if isinstance(error, NotADirectoryError) else "create it, or name another --config"
        return empty, [Fault(str(file), 0, f"cannot be read ({error.strerror})", cure)]
    documents, faults = read(content, str(file))
    if len(documents) > 1:
        faults.append(documents[1].fault((), "a second document", "keep one document in the file"))
    if not documents or faults:
        return (documents or [empty])[0], faults
    if not isinstance(documents[0].data, dict):
        return empty, [documents[0].fault((), "should be a map of keys", "write `key: value` lines")]
    return documents[0], faults


def without_planned(
    data: dict[str, Any], planned: tuple[Keys, ...], origins: Origins
) -> tuple[dict[str, Any], list[Fault]]:
    """The data without the keys that a later release will know, and a fault for each: none is silently ignored.

    A `*` in a planned path stands for any key.
    """
    faults: list[Fault] = []

    def strip(value: Any, path: Keys, left: tuple[Keys, ...]) -> Any:
        if not isinstance(value, dict) or not left:
            return value
        kept = {}
        for key, item in value.items():
            matching = tuple(rest[1:] for rest in left if rest[0] in (key, "*"))
            if () in matching:
                faults.append(origins.fault((*path, key), "not supported in this release", "remove it (planned)"))
            else:
                kept[key] = strip(item, (*path, key), matching)
        return kept

    return strip(data, (), planned), faults


def variables_of(config_dir: Path) -> frozenset[str]:
    """The variables that any configuration file refers to: they may be called ALMENARA_ anything."""
    names: frozenset[str] = frozenset()
    for file in sorted(config_dir.glob("*.yaml")):
        try:
            with file.open("rb") as opened:
                names |= variables_named_in(opened.read(MAX_BYTES).decode(errors="replace"))
        except OSError:
            continue  # whoever needs the file says so
    return names
