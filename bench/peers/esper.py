"""Esper (Java, Maven): the pattern of an absence, driven from Python through JPype."""

from collections.abc import Sequence
from pathlib import Path

from cache import Cache
from measure import Timed
from peers.venv import answer, timed_by

WARMING_UP = 3
POM = Path(__file__).with_name("esper_pom.xml")


def absent(
    cache: Cache, work: Path, stream: Sequence[tuple[int, str, str]], *, timespan_s: int, bodies: Path, rounds: int
) -> tuple[Timed, list[int]]:
    """Over (second, A or B, key) in order: how fast, and the numbers of the A that nothing followed. Raises Missing."""
    jars = cache.jars("esper-9.0.0", POM)
    written = work / "absence.txt"
    written.write_text("\n".join(f"{at} {kind} {key} {n}" for n, (at, kind, key) in enumerate(stream)), "utf-8")
    question = {
        "jars": str(jars),
        "events": str(written),
        "timespan_s": timespan_s,
        "rounds": WARMING_UP + rounds,
        "bodies": str(bodies),
    }
    said = answer(cache, "esper_main.py", question)
    lines = len(bodies.read_bytes().splitlines())
    return timed_by(said, bodies=lines, count=len(stream), skip=WARMING_UP), said["missing"]
