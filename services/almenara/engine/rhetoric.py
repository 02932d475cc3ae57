"""How hostile a statement's wording is: the simplest honest score, by a lexicon of weighted terms.

The score measures wording, not intent. It is one implementation of `Scorer`; a trained one can take its place.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from almenara.domain.errors import Fault
from almenara.engine.folding import Phrases, fold


@dataclass(frozen=True, slots=True)
class Score:
    """0 (nothing found) to 1, and the terms that made it, each with its weight, strongest first."""

    value: float
    spans: tuple[tuple[str, float], ...]


class Scorer(Protocol):
    """Scores the wording of one statement towards a target country. Pure."""

    def score(self, text: str, target: str) -> Score:
        """The score of the text; the target's code (alpha-3) lets a scorer tell targets apart."""


class LexiconScorer:
    """1 minus the product of (1 - weight) over the different terms found: more hostile terms, a higher score.

    Terms are whole words, compared without case and accents.
    """

    def __init__(self, terms: Sequence[tuple[str, float]]) -> None:
        self._terms = tuple(terms)
        self._phrases = Phrases(term for term, _ in terms)

    def score(self, text: str, target: str) -> Score:
        """The lexicon is the same for every target."""
        if not self._terms:
            return Score(0.0, ())  # no text need be folded to find nothing in it
        found = [self._terms[number] for number in sorted(self._phrases.found_in(text))]
        mild = 1.0
        for _, weight in found:
            mild *= 1.0 - weight
        spans = tuple(sorted(found, key=lambda span: (-span[1], span[0])))
        return Score(round(1.0 - mild, 4), spans)


def parse_lexicon(text: str, file: str) -> tuple[list[tuple[str, float]], list[Fault]]:
    """Terms and weights of a CSV with the columns `term,weight`; every fault with its line."""
    terms: list[tuple[str, float]] = []
    faults: list[Fault] = []
    reader = csv.reader(io.StringIO(text, newline=None))
    try:
        if next(reader, [])[:2] != ["term", "weight"]:
            faults.append(Fault(file, 1, "the first line must be term,weight", "add the header"))
        for row in reader:
            weight = _weight(row[1]) if len(row) == 2 else None
            if weight is None or not fold(row[0]):
                what, cure = "a line is one term and its weight", "write term,0.5 with 0 < weight < 1"
                faults.append(Fault(file, reader.line_num, what, cure))
            else:
                terms.append((row[0].strip(), weight))
    except csv.Error as error:
        cure = "quote terms with commas, and close the quotes"
        faults.append(Fault(file, reader.line_num, f"not CSV: {error}", cure))
    return terms, faults


def rhetoric_of(data: Any, scorer: Scorer) -> dict[str, Any] | None:
    """What the enricher writes as `rhetoric` into a statement: {usa: {score, spans}} for each of its targets."""
    text = data.get("quote") or data.get("text")
    target = data.get("target")
    countries = target.get("country") if isinstance(target, dict) else None
    if not isinstance(text, str) or not countries:
        return None
    found: dict[str, Any] = {}
    for country in [countries] if isinstance(countries, str) else countries:
        score = scorer.score(text, str(country))
        found[str(country).lower()] = {"score": score.value, "spans": [term for term, _ in score.spans]}
    return found


def _weight(text: str) -> float | None:
    try:
        weight = float(text)
    except ValueError:
        return None
    return weight if 0.0 < weight < 1.0 else None
