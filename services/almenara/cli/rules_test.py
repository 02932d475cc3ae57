"""`almenara rules test`: every rule's own tests, and for each that fails both sides, line beside line."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.domain.errors import Fault
    from almenara.rules.trial import Pair, Trial

_SHOWN: Final = ("what", "at", "key", "events", "checked", "fields")


@click.command()
@verb
def test(session: Session) -> int:
    """Runs every rule's own tests; shows what was expected beside what came. Exit 1 when one fails."""
    from almenara.app.activation import check
    from almenara.app.checking import failures
    from almenara.app.content import read_content

    lateness = int(session.settings.time.allowed_lateness.total_seconds())
    checked = check(read_content(session.config_dir, allowed_lateness_s=lateness))
    failed = {(trial.rule, trial.number): fault for trial, fault in failures(checked, session.config_dir)}
    for trial in checked.trials:
        session.give(_as_json(trial))
    for trial in checked.trials:
        if not trial.passed:
            for line in _report(trial, failed[trial.rule, trial.number]):
                session.say(line)
    passed = len(checked.trials) - len(failed)
    session.say(f"{passed} tests ok" + (f", {len(failed)} failed" if failed else ""))
    return 1 if failed else 0


def _as_json(trial: "Trial") -> dict[str, Any]:
    return {
        "rule": trial.rule,
        "test": trial.name,
        "passed": trial.passed,
        "differences": trial.differences,
        "alerts": [
            {"expected": pair.expected, "found": pair.found, "differs": pair.differs, "same": pair.same}
            for pair in trial.pairs
        ],
    }


def _report(trial: "Trial", fault: "Fault") -> Iterator[str]:
    yield f"FAILED {trial.rule}: {trial.name}  ({fault.file}:{fault.line})"
    if trial.problem:
        yield f"    {trial.problem}"
    for place, pair in enumerate(trial.pairs, start=1):
        yield from _pair(f"    alert {place}  ", pair)


def _pair(head: str, pair: "Pair") -> Iterator[str]:
    if pair.expected is None or pair.found is None:
        word, line = ("missing   ", pair.expected) if pair.found is None else ("unexpected", pair.found)
        yield from _listing(f"{head}{word}  ", line or {})
        return
    if pair.same:
        yield f"{head}as expected"
        return
    width = max(map(len, pair.differs))
    for number, key in enumerate(pair.differs):
        start = f"{head if number == 0 else ' ' * len(head)}differs     {key:{width}}  "
        yield f"{start}expected  {_text(pair.expected[key])}"
        yield f"{' ' * len(start)}found     {_text(pair.found[key]) if key in pair.found else 'nothing'}"


def _listing(head: str, line: Mapping[str, Any]) -> Iterator[str]:
    keys = [key for key in _SHOWN if key in line] + [key for key in line if key not in (*_SHOWN, "rule")]
    width = max(map(len, keys), default=0)
    for number, key in enumerate(keys):
        yield f"{head if number == 0 else ' ' * len(head)}{key:{width}}  {_text(line[key])}"


def _text(value: Any) -> str:
    """A value as short as it can be read: `official: o-1, contact: p-b`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
