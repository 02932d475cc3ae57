"""bytewax (Rust and Python, pip): `count_window` over tumbling windows of event time."""

from collections.abc import Sequence
from pathlib import Path

from cache import Cache
from measure import Timed
from peers.venv import answer, timed_by


def count(
    cache: Cache, work: Path, stream: Sequence[tuple[str, int]], *, width_s: int, least: int, bodies: Path
) -> tuple[Timed, set[tuple[str, int]]]:
    """Over (key, second): how fast, and (key, start) of the windows that hold at least so many. Raises Missing."""
    written = work / "keyed.txt"
    written.write_text("\n".join(f"{key} {at}" for key, at in stream), "utf-8")
    question = {"events": str(written), "width_s": width_s, "least": least, "rounds": 1, "bodies": str(bodies)}
    said = answer(cache, "bytewax_main.py", question)
    lines = len(bodies.read_bytes().splitlines())
    return timed_by(said, bodies=lines, count=len(stream)), {(key, start) for key, start, _ in said["counts"]}
