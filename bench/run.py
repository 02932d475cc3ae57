"""How fast Almenara is, as ratios in one run on this machine: `make bench`. docs/performance.md says how to read it.

python bench/run.py [--quick] [--only 1,2,9] [--no-peers | --no-install] [--no-kafka]
"""

import argparse
import importlib
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "services"), str(ROOT / "tests"), str(ROOT / "bench")]

from cache import Cache  # noqa: E402
from process import ProgramFailed  # noqa: E402
from setup import Setup, Wrong  # noqa: E402
from table import Row, heading, line, skipped, summary  # noqa: E402

# The modules in `figures`, and the numbers of the figures that each of them gives.
FIGURES: Final = {
    "evaluation": "1 2",
    "jsonl": "3 9",
    "sigmahq": "2 10",
    "aliases": "4",
    "pipeline": "5",
    "through_kafka": "6",
    "replaying": "7",
    "windows": "8 12",
    "startup": "11",
    "notifying": "13",
    "memory": "memory",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table. Exit code 1 when results do not agree; never for how fast anything is."""
    asked = _parser().parse_args(arguments)
    cache = Cache(wanted=not asked.no_peers, may_install=not asked.no_install)
    wanted = set(asked.only.split(",")) if asked.only else set()
    started = time.perf_counter()
    found: list[Row] = []
    wrong = 0
    print(
        f"Python {platform.python_version()}, {platform.machine()}; D = orjson.loads over the same bytes, same rounds"
    )
    print(heading(), flush=True)
    with tempfile.TemporaryDirectory(prefix="almenara-bench-") as folder:
        rounds, scale = (2, asked.scale or 0.1) if asked.quick else (5, asked.scale or 1.0)
        setup = Setup(Path(folder), cache, rounds=rounds, scale=scale, kafka=not asked.no_kafka)
        for module, numbers in FIGURES.items():
            if wanted and wanted.isdisjoint(numbers.split()):
                continue
            try:
                for row in _rows(module, setup):
                    found.append(row)
                    print(line(row), flush=True)
            except (Wrong, ProgramFailed) as error:
                wrong += 1
                print(line(skipped(numbers.split()[-1], f"{module}: no figure", f"WRONG: {error}")), flush=True)
    print(f"{summary(found)}; {time.perf_counter() - started:.0f} s", flush=True)
    return 1 if wrong else 0


def _rows(module: str, setup: Setup) -> Iterator[Row]:
    figure = importlib.import_module(f"figures.{module}")
    yield from figure.rows(setup)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="How fast Almenara is, as ratios in one run.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the events: only a hint, in some minutes")
    parser.add_argument("--only", help="numbers of figures, with commas: 1,2,9 or memory")
    parser.add_argument("--no-peers", action="store_true", help="neither install nor run any peer")
    parser.add_argument("--no-install", action="store_true", help="run the peers that are installed, install none")
    parser.add_argument("--no-kafka", action="store_true", help="do not start a broker")
    parser.add_argument("--scale", type=float, help="the share of the events of a full run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
