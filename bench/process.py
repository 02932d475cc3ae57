"""Other programs as whole processes: how long they took, how much memory they held, what they answered."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

LIMIT_S: Final = 240
_SMALL: Final = """
import os, resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class ProgramFailed(Exception):
    """A program of the benchmark ended with an error."""


class Took(NamedTuple):
    """Seconds of a whole process: on the wall, and of the processor."""

    wall: float
    cpu: float


def run(command: Sequence[str | Path], *, stdin: Path | None = None, stdout: Path | None = None) -> Took:
    """Runs a command to its end. Raises ProgramFailed with the end of what it said when that is no good one."""
    with tempfile.TemporaryFile() as said, open(stdin or os.devnull, "rb") as given:
        with open(stdout or os.devnull, "wb") as taken:
            wall, cpu = time.perf_counter(), _cpu_of_children()
            done = subprocess.run(_words(command), stdin=given, stdout=taken, stderr=said, check=False, timeout=LIMIT_S)
            took = Took(time.perf_counter() - wall, _cpu_of_children() - cpu)
        if done.returncode != 0:
            said.seek(0)
            text = said.read().decode("utf-8", "replace").strip()
            raise ProgramFailed(f"{Path(command[0]).name} ended with {done.returncode}: {text[-400:]}")
    return took


def peak_bytes(command: Sequence[str | Path], *, stdin: Path | None = None) -> int:
    """The largest resident set of a command. A small process starts it: a child counts what its parent held when it
    was started, and this one holds much."""
    with open(stdin or os.devnull, "rb") as given:
        done = subprocess.run(
            [sys.executable, "-S", "-c", _SMALL, *_words(command)],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=LIMIT_S,
        )
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1_024)


def ask(command: Sequence[str | Path], question: dict[str, Any]) -> dict[str, Any]:
    """Runs a program that reads one JSON object and prints one, the last line of its output."""
    done = subprocess.run(
        _words(command),
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise ProgramFailed(f"{Path(command[-1]).name} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _words(command: Sequence[str | Path]) -> list[str]:
    return [str(word) for word in command]


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
