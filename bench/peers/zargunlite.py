"""zargunlite (Python, pip): the method of Zircolite - every event a row in SQLite, every rule a query."""

from pathlib import Path

from cache import Cache
from measure import Timed
from peers.venv import answer, timed_by


def evaluate(cache: Cache, rules: Path, lines: Path, *, count: int, rounds: int) -> tuple[Timed, set[tuple[str, int]]]:
    """JSON lines to matches. Raises Missing."""
    question = {"rules": str(rules), "events": str(lines), "rounds": rounds}
    said = answer(cache, "zargunlite_main.py", question)
    return timed_by(said, bodies=count), {(title, row) for title, row in said["matches"]}
