"""The ruleset's content from a configuration folder: which files are part of it, read and decoded with clear faults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from almenara.domain.errors import Fault, Faulty
from almenara.domain.ids import canonical
from almenara.engine.ruleset import Content, build

_RULES: Final = "rules"
_PARTS: Final = ((_RULES, (".yml", ".yaml")), ("watchlists", (".csv",)), ("lexicons", (".csv",)), ("lists", (".csv",)))
_MAX_BYTES: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a ruleset as they were read at one moment: bytes by the content's name for them, and the faults."""

    bodies: Mapping[str, bytes] = field(repr=False)
    faults: tuple[Fault, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 of what the files hold, whether that is sound or not."""
        faults = {fault.file: fault.what for fault in self.faults}
        return sha256(canonical({**{n: sha256(b).hexdigest() for n, b in self.bodies.items()}, **faults})).hexdigest()

    def content(self, allowed_lateness_s: int | None = None) -> Content:
        """The content of these files. Raises Faulty for files that could not be read or are no text."""
        texts: dict[str, str] = {}
        faults = list(self.faults)
        for name, body in self.bodies.items():
            if len(body) > _MAX_BYTES:
                faults.append(Fault(name, 0, f"larger than {_MAX_BYTES:,} bytes", "split the file"))
            try:
                texts[name] = body.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                faults.append(Fault(name, body[: error.start].count(b"\n") + 1, "not UTF-8 text", "save it as UTF-8"))
                texts[name] = body.decode("utf-8-sig", "replace")
        content = Content(texts, allowed_lateness_s)
        if faults:
            others = _of_the_others(content, {fault.file for fault in faults})
            raise Faulty(sorted([*faults, *others], key=lambda fault: (fault.file, fault.line, fault.column)))
        return content


def read_files(config_dir: Path, rules_dir: Path | None = None) -> Files:
    """All rules, watchlists, lexicons and lists below the folder, as they are now.

    With `rules_dir` the rules are those below that folder; what they look into is still the configuration's.
    """
    bodies: dict[str, bytes] = {}
    faults: list[Fault] = []
    for name, path in _paths(config_dir, rules_dir or config_dir / _RULES):
        try:
            bodies[name] = path.read_bytes()
        except OSError as error:
            faults.append(Fault(name, 0, f"cannot be read: {error.strerror}", "check the file's permissions"))
    if rules_dir is None and not (config_dir / _RULES).is_dir():
        faults.append(Fault(str(config_dir), 0, "there is no folder rules/", "name the folder with --config DIR"))
    return Files(bodies, tuple(faults))


def read_content(config_dir: Path, *, allowed_lateness_s: int | None = None, rules_dir: Path | None = None) -> Content:
    """The content of the folder; see `read_files`. Raises Faulty for files that cannot be read."""
    return read_files(config_dir, rules_dir).content(allowed_lateness_s)


def _of_the_others(content: Content, told: set[str]) -> list[Fault]:
    """The faults of the files that can be read, so that all are told at once; none where a file is missing to them."""
    if not told <= content.files.keys():
        return []
    try:
        build(content)
    except Faulty as error:
        return [fault for fault in error.faults if fault.file not in told]
    return []


def _paths(config_dir: Path, rules_dir: Path) -> Iterator[tuple[str, Path]]:
    """Each file of the content: the name that the content has for it, and where it lies."""
    for part, endings in _PARTS:
        folder = rules_dir if part == _RULES else config_dir / part
        for path in sorted(folder.rglob("*")):
            if path.suffix in endings and path.is_file():
                yield f"{part}/{path.relative_to(folder).as_posix()}", path
