"""spaCy's PhraseMatcher (pip): many names looked for in texts."""

import json
from pathlib import Path

from cache import Cache
from measure import Timed
from peers.venv import answer, timed_by


def find(
    cache: Cache, work: Path, *, names: list[str], texts: list[str], bodies: Path, rounds: int
) -> tuple[Timed, float, list[tuple[int, str]]]:
    """How fast, how long the matcher took to build (seconds), and (text, what was found). Raises Missing."""
    listed, told = work / "names.txt", work / "texts.jsonl"
    listed.write_text("\n".join(names), "utf-8")
    told.write_text("\n".join(map(json.dumps, texts)), "utf-8")
    question = {"names": str(listed), "texts": str(told), "bodies": str(bodies), "rounds": rounds}
    said = answer(cache, "spacy_main.py", question)
    return timed_by(said, bodies=len(texts)), said["build"], [(number, text) for number, text in said["found"]]
