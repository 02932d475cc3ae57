"""What the benchmark runs on: seeded events of about 1.1 KB, and any number of generated rules for them.

Made up from a seed and nothing else, so that every run of the benchmark sees the same bytes. The same facts come as
CloudEvents (what the services take), as plain nested JSON in Spanish, and as flat JSON in plain ASCII.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import yaml

from almenara.domain.event import Event

START: Final = datetime(2030, 1, 1, tzinfo=UTC)
COUNTRIES: Final = ("PER", "CHL", "BOL", "ECU", "COL", "BRA", "ARG", "URY")
TYPES: Final = ("meeting.held", "statement.made", "article.published", "policy.changed")
TEXT_CHARACTERS: Final = 480
EVERY: Final = 23  # one event in so many holds a code word that some rule looks for

_SPANISH: Final = (
    "ministerio puerto acuerdo visita comercio embajada presidente canciller declaración inversión minería"
    " carretera congreso regulador concesión"
)
_ENGLISH: Final = "the ministry said that talks about trade and ports would go on despite worries"
_OFFICES: Final = ("head_of_state", "foreign_minister", "ambassador", "regulator", "member_of_congress")

CORRELATIONS: Final = """
title: An ambassador speaks
name: ambassador
logsource: {product: almenara}
detection: {s: {speaker.office: ambassador, score|gte: 0.5}, condition: s}
---
title: A regulator speaks
name: regulator
logsource: {product: almenara}
detection: {s: {speaker.office: regulator, score|gte: 0.5}, condition: s}
---
title: Several ambassadors of a country within a day
name: several
correlation: {type: event_count, rules: [ambassador], group-by: [speaker.country], timespan: 1d, condition: {gte: 20}}
---
title: An ambassador, and no regulator of the country within the hour
name: unanswered
correlation:
  type: temporal
  rules: [ambassador, regulator]
  group-by: [speaker.country]
  timespan: 1h
  condition: ambassador and not regulator
almenara: {absence: {anchor: ambassador}}
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """How events are spelled: field names with dots or flat, and the words of their texts."""

    name: str
    words: tuple[str, ...]
    flat: bool = False

    def path(self, dotted: str) -> str:
        """The name of a field in rules."""
        return dotted.replace(".", "_") if self.flat else dotted


NESTED: Final = Shape("nested, Spanish text", tuple(f"{_SPANISH} {_ENGLISH}".split()))
FLAT: Final = Shape("flat, ASCII text", tuple(_ENGLISH.split()), flat=True)


def events(count: int, seed: int = 1, known: Sequence[str] = ()) -> list[Event]:
    """So many events, a minute apart, spread over the countries and types; some speakers are among the known names."""
    made = [_event(number, data) for number, data in enumerate(_data(count, seed, NESTED))]
    for number, event in enumerate(made if known else ()):
        if number % 5 == 0:
            event.data["speaker"]["name"] = known[number % len(known)]
    return made


def lines(count: int, shape: Shape, seed: int = 1) -> list[bytes]:
    """The same facts as plain JSON, one object each, with an `id`."""
    found = []
    for number, data in enumerate(_data(count, seed, shape)):
        at = (START + timedelta(minutes=number)).isoformat()
        document = {"@timestamp": at, "id": identity(number), "kind": "observation", "recorded": at, **data}
        found.append(orjson.dumps(_flattened(document) if shape.flat else document))
    return found


def identity(number: int) -> str:
    """The id of an event."""
    return f"bench-{number:08d}"


def rules(count: int, shape: Shape = NESTED, seed: int = 2) -> str:
    """So many rules over one event (YAML): equalities, thresholds, parts of texts, lists, patterns, negations."""
    drawn = random.Random(seed)
    return yaml.dump_all(
        [_rule(number, drawn, shape) for number in range(count)],
        allow_unicode=True,
        sort_keys=False,
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
    )


def code_word(number: int) -> str:
    """The word by which rule `number` (modulo 200) is met."""
    return f"codeword{number % 200:03d}x"


def _event(number: int, data: dict[str, Any]) -> Event:
    at = START + timedelta(minutes=number)
    return Event(
        id=identity(number),
        source="bench/generated",
        type=TYPES[number * 7 % len(TYPES)],
        time=at,
        recorded=at + timedelta(hours=1),
        country=data["speaker"]["country"],
        subject=f"generated event {number}",
        data=data,
    )


def _data(count: int, seed: int, shape: Shape) -> Iterator[dict[str, Any]]:
    drawn = random.Random(seed)
    for number in range(count):
        country = drawn.choice(COUNTRIES)
        yield {
            "speaker": {
                "name": f"Person {drawn.randrange(5_000)}",
                "country": country,
                "office": drawn.choice(_OFFICES),
                "speaks_for": drawn.choice(("state", "party", "self")),
            },
            "target": {"country": drawn.choice(("USA", "CHN", "PER"))},
            "score": round(drawn.random(), 4),
            "text": _text(number, drawn, shape.words),
            "language": "es",
            "summary": {"en": f"Generated statement {number}.", "es": f"Texto generado {number}."},
            "sources": [{"name": "example.org", "url": f"https://example.org/{number}", "grade": "F"}],
            "countries": {"actor": [country], "target": ["USA"]},
        }


def _text(number: int, drawn: random.Random, known: tuple[str, ...]) -> str:
    words = drawn.choices(known, k=TEXT_CHARACTERS // 4)
    if number % EVERY == 0:
        words[3] = code_word(number // EVERY)
    return " ".join(words)[:TEXT_CHARACTERS]


def _flattened(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, list):
        value = {str(number): inner for number, inner in enumerate(value)}
    if not isinstance(value, dict):
        return {path: value}
    named = ((f"{path}_{key}" if path else key, inner) for key, inner in value.items())
    return {name: leaf for key, inner in named for name, leaf in _flattened(inner, key).items()}


def _rule(number: int, drawn: random.Random, shape: Shape) -> dict[str, Any]:
    word = code_word(number) if number < 200 else f"codeword{number:05d}x"
    office, target, speaks_for = (shape.path(f) for f in ("speaker.office", "target.country", "speaker.speaks_for"))
    kinds: list[dict[str, Any]] = [
        {"s": {"text|contains": word}, "condition": "s"},
        {"s": {"text|contains": [word, f"{word}y"], "score|gte": 0.2}, "condition": "s"},
        {"s": {"text|contains": word}, "n": {speaks_for: "party"}, "condition": "s and not n"},
        {"s": {"text|re": f"{word}( |$)"}, "condition": "s"},
        {"s": {office: drawn.sample(_OFFICES, 2), target: "CHN", "text|contains": word}, "condition": "s"},
        {
            "s1": {shape.path("speaker.name"): f"Person 99{number}"},
            "s2": {"text|contains": word},
            "condition": "1 of s*",
        },
    ]
    return {
        "title": f"Generated rule {number}",
        "status": "stable",
        "level": drawn.choice(("low", "medium", "high")),
        "logsource": {"product": "almenara", "category": TYPES[number % len(TYPES)]},
        "detection": kinds[number % len(kinds)],
    }
