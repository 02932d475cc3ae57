"""`rules eval`: rules and events from files, without settings, store or log."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from almenara.app.compiled import CompiledRulesets, user_cache
from almenara.domain.errors import Fault, Faulty, Rejected
from almenara.engine.ruleset import Content
from almenara.rules.evaluate import Evaluation

MAX_LINE: Final = 16 * 1024 * 1024
"""The longest line of events, in bytes; a longer one is told and passed over."""


def loose_content(rules: Sequence[Path], watchlists: Path | None) -> Content:
    """Rule files and folders, and a folder of watchlists, as a ruleset's content. Raises Faulty."""
    files: dict[str, str] = {}
    for root in rules:
        paths = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.suffix in (".yml", ".yaml"))
        for path in paths:
            files[f"rules/{path}"] = _text(path)
    for path in sorted(watchlists.glob("*.csv")) if watchlists else ():
        files[f"watchlists/{path.name}"] = _text(path)
    return Content(files)


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, one at a time; of a line that is too long only as much as shows that it is."""
    while line := file.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE + 1)


def evaluate(
    content: Content, lines: Iterable[bytes], *, clock: str, time_field: str, drain: bool
) -> Iterator[tuple[dict[str, Any], str]]:
    """Every detection as (output, ""), every bad line as ({}, what is wrong with it). Raises Faulty at once."""
    try:
        ruleset = CompiledRulesets(user_cache()).ruleset(content)
    except Faulty as error:
        faults = [Fault(f.file.removeprefix("rules/"), f.line, f.what, f.cure, f.column) for f in error.faults]
        raise Faulty(faults) from error
    evaluation = Evaluation(ruleset, clock=clock, time_field=time_field)
    return _run(evaluation, lines, drain)


def _run(evaluation: Evaluation, lines: Iterable[bytes], drain: bool) -> Iterator[tuple[dict[str, Any], str]]:
    decode = msgspec.json.Decoder().decode
    for number, line in enumerate(lines, start=1):
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line or line.isspace():
            continue
        try:
            if len(line) > MAX_LINE:
                raise Rejected("bad_event", f"longer than {MAX_LINE:,} bytes")
            raw = decode(line)
            if not isinstance(raw, dict):
                raise Rejected("bad_event", "a line is one JSON object")
            found = evaluation.feed(raw, number)
        except Rejected as error:
            yield {}, f"line {number}: {error.detail}"
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield {}, f"line {number}: no JSON: {error}"
        else:
            for said in found:
                yield said, ""
    if drain:
        for said in evaluation.drain():
            yield said, ""


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Faulty([Fault(str(path), 0, "not UTF-8 text", "save it as UTF-8")]) from error
    except OSError as error:
        raise Faulty([Fault(str(path), 0, f"cannot be read: {error.strerror}", "check the path")]) from error
