"""Real processes of Almenara's own command line: started, killed, put to sleep and ended by tests, their logs kept.

Knows nothing of what they do. On Linux a process ends with the test run, however that ends.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALMENARA = (sys.executable, "-m", "almenara.cli.main")
ENDED_S = 45.0


class Fleet:
    """Processes by name. `program` is what is run before the words of a verb."""

    def __init__(self, folder: Path, environ: Mapping[str, str], program: tuple[str, ...] = ALMENARA) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.environ = _clean(environ)
        self.program = program
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._marks: dict[str, int] = {}

    def start(self, name: str, *words: str) -> None:
        """Starts a process; what it writes is added to the log of that name."""
        log = self.folder / f"{name}.log"
        self._marks[name] = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self.running[name] = subprocess.Popen(
                [*_ends_with_us(), *self.program, *words],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def once(self, *words: str, input_: str = "", environ: Mapping[str, str] | None = None) -> str:
        """Runs a verb to its end, which must be good, and returns what it printed."""
        done = subprocess.run(
            [*_ends_with_us(), *ALMENARA, *words],
            cwd=self.folder,
            env=self.environ if environ is None else _clean(environ),
            input=input_,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, f"{words} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def said(self, name: str) -> str:
        """What the process wrote since it was last started."""
        return (self.folder / f"{name}.log").read_bytes()[self._marks[name] :].decode("utf-8", "replace")

    def send(self, name: str, number: signal.Signals) -> None:
        """Sends a signal."""
        self.running[name].send_signal(number)

    def kill(self, name: str) -> None:
        """SIGKILL, and waits for the end."""
        process = self.running.pop(name)
        process.kill()
        process.wait(10)

    def stop(self) -> dict[str, int]:
        """SIGTERM to all; their exit codes. Whoever does not end in time is killed, which is a code too (-9)."""
        for process in self.running.values():
            process.terminate()
        until = time.monotonic() + ENDED_S
        codes = {}
        for name, process in self.running.items():
            try:
                codes[name] = process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait(10)
        self.running = {}
        return codes

    def until(self, what: Callable[[], bool], why: str, seconds: float = 60.0) -> None:
        """Waits until it is so; fails with the logs when it takes too long or a process ended by itself."""
        end = time.monotonic() + seconds
        while not what():
            ended = {name: p.returncode for name, p in self.running.items() if p.poll() is not None}
            if ended or time.monotonic() > end:
                trouble = f"ended by themselves: {ended}" if ended else f"waited {seconds:.0f} s"
                pytest.fail(f"{why}: {trouble}\n{self.logs()}", pytrace=False)
            time.sleep(0.1)

    def logs(self, characters: int = 3_000) -> str:
        """The ends of all logs."""
        ends = ((p.name, p.read_text("utf-8", "replace")[-characters:]) for p in sorted(self.folder.glob("*.log")))
        return "\n".join(f"--- {name}: ...{end}" for name, end in ends)

    def close(self) -> None:
        """Kills whatever still runs, sleeping or not."""
        for process in self.running.values():
            with contextlib.suppress(OSError):
                process.kill()
            process.wait(10)
        self.running = {}


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Our own environment without settings of Almenara, which would be its own, and with its code to be found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ALMENARA_")}
    path = os.pathsep.join(str(ROOT / part) for part in ("services", "tests"))
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **environ}


def _ends_with_us() -> list[str]:
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
