"""zargunlite over a file of JSON lines, the way of Zircolite: every event a row in SQLite, every rule a query.

Reads {rules, events, rounds} and prints {rounds: [[seconds of D, seconds]], matches: [[title, row]]}. Turning the rules
into SQL is not timed.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import orjson
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from zargunlite.core import ZargunCore
from zargunlite.model import ZircoliteRule


def main() -> None:
    asked = json.load(sys.stdin)
    rules = queries(Path(asked["rules"]))
    lines = Path(asked["events"]).read_bytes().splitlines()
    rounds, matches = [], []
    for _ in range(asked["rounds"]):
        started = time.process_time()
        for line in lines:
            orjson.loads(line)
        bare = time.process_time() - started
        started = time.process_time()
        matches = evaluated(rules, lines)
        rounds.append([bare, time.process_time() - started])
    print(json.dumps({"rounds": rounds, "matches": matches}))


def queries(rules: Path) -> list[ZircoliteRule]:
    collection = SigmaCollection.from_yaml(rules.read_text("utf-8"))
    told = sqliteBackend().convert(collection, output_format="zircolite")
    found = json.loads(told) if isinstance(told, str) else told
    return [ZircoliteRule(title=rule["title"], rule=rule["rule"]) for rule in found]


def evaluated(rules: list[ZircoliteRule], lines: list[bytes]) -> list[tuple[str, int]]:
    rows = [flattened(orjson.loads(line)) for line in lines]
    with ZargunCore() as core:
        core.load_data(rows, strict_field_name=False)
        results = [core.execute_zircolite_rule(rule) for rule in rules]
    return [(result.title, match["row_id"] - 1) for result in results for match in result.matches]


def flattened(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        pairs = ((f"{path}.{key}" if path else key, inner) for key, inner in value.items())
        return {name: leaf for key, inner in pairs for name, leaf in flattened(inner, key).items()}
    return {path: orjson.dumps(value).decode() if isinstance(value, list) else value}


if __name__ == "__main__":
    main()
