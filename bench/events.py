"""What the benchmark runs on: seeded events of about 1.1 KB, and any number of generated rules for them.

Made up from a seed and nothing else, so that every run of the benchmark sees the same bytes.
"""

# ruff: noqa: S311 - nothing here is secret

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import yaml

from almenara.domain.event import Event
from almenara.engine.ruleset import Content

START = datetime(2030, 1, 1, tzinfo=UTC)
COUNTRIES = ("PER", "CHL", "BOL", "ECU", "COL", "BRA", "ARG", "URY")
TYPES = ("meeting.held", "statement.made", "article.published", "policy.changed")
TEXT_CHARACTERS = 480
EVERY = 23  # one event in so many holds a code word that some rule looks for

_WORDS = tuple(
    word
    for line in (
        "ministerio puerto acuerdo visita comercio embajada presidente canciller declaración inversión minería",
        "carretera congreso regulador concesión",
        "the ministry said that talks about trade and ports would go on despite worries",
    )
    for word in line.split(" ")
)
_OFFICES = ("head_of_state", "foreign_minister", "ambassador", "regulator", "member_of_congress")


def events(count: int, seed: int = 1) -> list[Event]:
    """So many events, a minute apart, spread over the countries and types."""
    return list(_events(count, random.Random(seed)))


def rules(count: int, seed: int = 2) -> Content:
    """So many rules over one event: equalities, thresholds, substrings, prefixes, lists, patterns and negations."""
    drawn = random.Random(seed)
    documents = [_rule(number, drawn) for number in range(count)]
    return Content({"rules/generated.yml": yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False)})


def _events(count: int, drawn: random.Random) -> Iterator[Event]:
    for number in range(count):
        country = drawn.choice(COUNTRIES)
        at = START + timedelta(minutes=number)
        yield Event(
            id=f"bench-{number:08d}",
            source="bench/generated",
            type=drawn.choice(TYPES),
            time=at,
            recorded=at + timedelta(hours=1),
            country=country,
            subject=f"generated event {number}",
            data={
                "speaker": {
                    "name": f"Person {drawn.randrange(5_000)}",
                    "country": country,
                    "office": drawn.choice(_OFFICES),
                    "speaks_for": drawn.choice(("state", "party", "self")),
                },
                "target": {"country": drawn.choice(("USA", "CHN", "PER"))},
                "score": round(drawn.random(), 4),
                "text": _text(number, drawn),
                "language": "es",
                "summary": {"en": f"Generated statement {number}.", "es": f"Declaración generada {number}."},
                "sources": [{"name": "example.org", "url": f"https://example.org/{number}", "grade": "F"}],
                "countries": {"actor": [country], "target": ["USA"]},
            },
        )


def _text(number: int, drawn: random.Random) -> str:
    words = [drawn.choice(_WORDS) for _ in range(TEXT_CHARACTERS // 6)]
    if number % EVERY == 0:
        words[3] = code_word(number // EVERY)
    text = " ".join(words)
    while len(text) < TEXT_CHARACTERS:
        text += " " + drawn.choice(_WORDS)
    return text[:TEXT_CHARACTERS]


def code_word(number: int) -> str:
    """The word by which rule `number` (modulo 200) is met."""
    return f"codeword{number % 200:03d}x"


def _rule(number: int, drawn: random.Random) -> dict[str, object]:
    word = code_word(number) if number < 200 else f"codeword{number:05d}x"
    kinds: list[dict[str, object]] = [
        {"s": {"text|contains": word}, "condition": "s"},
        {"s": {"text|contains": [word, f"{word}y"], "score|gte": 0.2}, "condition": "s"},
        {"s": {"text|contains": word}, "n": {"speaker.speaks_for": "party"}, "condition": "s and not n"},
        {"s": {"text|re": f"{word}( |$)"}, "condition": "s"},
        {
            "s": {"speaker.office": drawn.sample(_OFFICES, 2), "target.country": "CHN", "text|contains": word},
            "condition": "s",
        },
        {"s1": {"speaker.name": f"Person 99{number}"}, "s2": {"text|contains": word}, "condition": "1 of s*"},
    ]
    return {
        "title": f"Generated rule {number}",
        "name": f"generated_{number}",
        "level": drawn.choice(("low", "medium", "high")),
        "logsource": {"product": "almenara", "category": TYPES[number % len(TYPES)]},
        "detection": kinds[number % len(kinds)],
    }
