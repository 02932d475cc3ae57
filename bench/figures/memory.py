"""How much memory is held: the growth of the resident set of a fresh process, in MB (1,000,000 bytes).

Each case is run by a program of its own (bench/memory_main.py), which prepares its input and says how much grew.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sigmahq
from process import ask
from setup import Setup
from table import Row

PROGRAM: Final = Path(__file__).parents[1] / "memory_main.py"
LABELS: Final = {
    "absences": "memory: 100,000 pending absences",
    "rules": "memory: 1,000 rules",
    "like-sigmahq": f"memory: {sigmahq.RULES:,} rules like SigmaHQ's",
    "aliases": "memory: 100,000 aliases",
}


def rows(setup: Setup) -> Iterator[Row]:
    """One fresh process a row."""
    for case, label in LABELS.items():
        grown = ask([sys.executable, PROGRAM, case], {})["grown"]
        yield Row(number="", what=label, found=grown / 1e6, unit="MB", note="growth of the resident set, fresh process")
