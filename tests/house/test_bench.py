"""The benchmark runs, agrees with itself on every path, and prints its table. Says nothing of how fast anything is."""

import subprocess
import sys

from case_files import ROOT

ASKED = ("--events", "400", "--rules", "24", "--at-least", "0", "--no-kafka")


def test_the_benchmark_prints_its_table() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "run.py"), *ASKED],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("400 events of 1,0")
    told = "\n".join(lines[3:])
    for piece in ("decode", "24 rules", "in memory", "SQLite", "replay"):
        assert piece in told
    assert "through Kafka (publish to notices)    skipped: not asked for" in told
