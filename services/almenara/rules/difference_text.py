"""The differences of two rulesets in words, line by line: for people who decide whether to activate one."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import yaml

from almenara.domain.durations import format_duration
from almenara.rules.difference import Difference, Edit, EntryChange, Fate, Kind, RuleChange, TableChange

_SIGN: Final = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}
_FATE: Final = {
    Fate.KEPT: "keeps its state",
    Fate.ANEW: "starts anew: the log is folded again for it, what was told stays",
    Fate.NEW: "starts by folding the log",
    Fate.OTHER: "goes on as another rule: its open alerts are closed (rule_changed)",
    Fate.ENDED: "its open alerts are closed (rule_removed)",
}
_SHADOW: Final = "experimental"
_WIDE: Final = 60


def in_words(found: Difference) -> Iterator[str]:
    """Every line. Says so where nothing that counts differs."""
    if not found:
        yield "nothing that counts differs: comments, order and spacing at most"
        return
    for change in found.rules:
        yield from _rule(change)
    for held in found.filters:
        verb = "held" if held.kind == Kind.REMOVED else "holds"
        rules = ", ".join(held.rules) or "no rule"
        yield f"{_SIGN[held.kind]} filter {held.filter}  {held.kind}; it {verb} events back from {rules}"
        for edit in held.edits:
            yield from _edit(edit)
    for word, tables in (("watchlist", found.watchlists), ("lexicon", found.lexicons), ("table", found.tables)):
        for table in tables:
            yield from _table(word, table)
    if found.lateness_s:
        before, after = map(_seconds, found.lateness_s)
        yield f"~ time.allowed_lateness  {before} → {after}"
    if found.kept:
        yield f"= {len(found.kept)} rules as they were, with their state"


def _rule(change: RuleChange) -> Iterator[str]:
    yield f"{_SIGN[change.kind]} rule {change.rule}  {change.kind}; {_FATE[change.fate]}"
    if change.kind != Kind.CHANGED:
        yield f"    {change.title}"
    if change.like:
        verb = "has the detection of" if change.kind == Kind.ADDED else "lives on as"
        yield f"    {verb} {change.like}: under another name it is another rule"
    if change.edits and change.fate == Fate.KEPT and all(_is_words(edit) for edit in change.edits):
        yield "    words only:"
    for edit in change.edits:
        yield from _edit(edit)
    if change.because:
        yield f"    because it depends on {', '.join(change.because)}"


def _is_words(edit: Edit) -> bool:
    return edit.path not in ("level", "status", "file", "almenara.tests", "almenara.owner", "almenara.tags")


def _edit(edit: Edit) -> Iterator[str]:
    before, after = _text(edit.before), _text(edit.after)
    if edit.path == "status" and _SHADOW in (edit.before, edit.after):
        told = "it tells nobody from now on" if edit.after == _SHADOW else "it tells people from now on"
        yield f"    status  {before} → {after}: {told}"
    elif edit.path == "almenara.tests":
        yield f"    tests  {before} → {after}" if before != after else f"    tests  changed, still {after}"
    elif edit.path.startswith(("detection.", "filter.")) or len(before) + len(after) > _WIDE:
        name = edit.what.removeprefix("detection.").removeprefix("filter.")
        yield from (f"    {sign} {name}: {text}" for sign, text in (("-", before), ("+", after)) if text != "none")
    else:
        yield f"    {edit.what}  {before} → {after}"


def _table(word: str, table: TableChange) -> Iterator[str]:
    yield f"{_SIGN[table.kind]} {word} {table.table}" + ("" if table.kind == Kind.CHANGED else f"  {table.kind}")
    for entry in table.entries:
        yield f"    {_SIGN[entry.kind]} {entry.id}" + (f"  {entry.name}" if entry.name else "") + _columns(entry)


def _columns(entry: EntryChange) -> str:
    parts = [_column(edit, entry.kind) for edit in entry.edits]
    return f": {'; '.join(parts)}" if parts else ""


def _column(edit: Edit, kind: Kind) -> str:
    if kind == Kind.ADDED:
        return f"{edit.what} {edit.after}"
    if edit.what != "aliases":
        return f"{edit.what} {_text(edit.before)} → {_text(edit.after)}"
    before, after = ({one for one in (text or "").split(" | ") if one} for text in (edit.before, edit.after))
    signed = [*(f"- {one}" for one in sorted(before - after)), *(f"+ {one}" for one in sorted(after - before))]
    return f"aliases {', '.join(signed)}"


def _seconds(bound: int | None) -> str:
    return "no bound" if bound is None else format_duration(timedelta(seconds=bound))


def _text(value: Any) -> str:
    """A value as it is written in a rule, on one line."""
    if value is None or value == "":
        return "none"
    if isinstance(value, str):
        return value
    return yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=1_000_000, sort_keys=False
    ).partition("\n")[0]
