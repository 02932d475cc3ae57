"""The benchmark runs, its results agree on every path, and it prints its table. How fast anything is it never asks."""

import subprocess
import sys

from case_files import ROOT

ASKED = ("--quick", "--scale", "0.02", "--no-peers", "--no-kafka", "--only", "1,4,5,6,7,8,13")


def test_the_benchmark_prints_its_table_without_any_peer() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "run.py"), *ASKED],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.splitlines()
    assert told[0].startswith("Python")
    rows = {line[5:60].strip(): line for line in told[2:-1]}
    for what in (
        "200 rules, evaluation only",
        "replay of 200 rules from the log (SQLite)",
        "window counts, 100,000 keys: the structure alone",
        "absence, 100,000 keys: the structure alone",
        "notifier: alerts to a signed webhook, each recorded",
    ):
        assert rows[what].rstrip().partition(what)[2].split()[0][0].isdigit()
    for what in (
        "over bytewax count_window",
        "over Esper",
        "over spaCy PhraseMatcher",
        "over Alertmanager: CPU an alert",
    ):
        assert "skipped: not asked for (--no-peers)" in rows[what]
    assert "skipped: not asked for (--no-kafka)" in rows["the same through Kafka, consume to publish"]
