"""spaCy's PhraseMatcher over texts: which of many names stand in each, whatever their case.

Reads {names, texts, rounds} (files of lines) and prints {build, rounds: [[seconds of D, seconds]], found:
[[text, name]]}. D is over `bodies`, a file of JSON lines, as many as texts.
"""

import json
import sys
import time
from pathlib import Path

import orjson
import spacy
from spacy.matcher import PhraseMatcher


def main() -> None:
    asked = json.load(sys.stdin)
    names = Path(asked["names"]).read_text("utf-8").splitlines()
    texts = [json.loads(line) for line in Path(asked["texts"]).read_text("utf-8").splitlines()]
    bodies = Path(asked["bodies"]).read_bytes().splitlines()
    started = time.process_time()
    language = spacy.blank("es")
    matcher = PhraseMatcher(language.vocab, attr="LOWER")
    matcher.add("names", list(language.tokenizer.pipe(names)))
    build = time.process_time() - started
    rounds, found = [], []
    for _ in range(asked["rounds"]):
        started = time.process_time()
        for body in bodies:
            orjson.loads(body)
        bare = time.process_time() - started
        started = time.process_time()
        documents = [(doc, matcher(doc)) for doc in language.tokenizer.pipe(texts)]
        rounds.append([bare, time.process_time() - started])
        found = [(number, doc[s:e].text) for number, (doc, hits) in enumerate(documents) for _, s, e in hits]
    print(json.dumps({"build": build, "rounds": rounds, "found": found}))


if __name__ == "__main__":
    main()
