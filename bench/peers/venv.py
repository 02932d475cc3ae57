"""The virtual environment that all peers written in Python share, and the programs that run in it."""

from pathlib import Path
from typing import Any, Final

from cache import Cache
from measure import Timed, timed
from process import ask

PROGRAMS: Final = Path(__file__).parent / "programs"
PACKAGES: Final = (
    "bytewax==0.21.1",
    "jpype1==1.7.1",
    "orjson==3.13.0",
    "pysigma==2.0.1",
    "pysigma-backend-sqlite==2.1.1",
    "spacy==3.8.18",
    "zargunlite==0.1.3",
)


def answer(cache: Cache, program: str, question: dict[str, Any]) -> dict[str, Any]:
    """What a program in the peers' environment answers. Raises Missing."""
    python = cache.python("peers", PACKAGES)
    return ask([python, PROGRAMS / program], question)


def timed_by(answered: dict[str, Any], *, bodies: int, count: int = 0, skip: int = 0) -> Timed:
    """The rounds that a program measured itself; the first ones may be left out as warming up."""
    rounds = [(bare, took) for bare, took in answered["rounds"][skip:]]
    return timed(rounds, bodies=bodies, count=count)
