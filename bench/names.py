"""Made-up names of people, firms and offices, any number of them, and texts in which some of them stand."""

import random
from typing import Final

from events import NESTED, TEXT_CHARACTERS

_SYLLABLES: Final = tuple(first + second for first in "bcdfglmnprstv" for second in "aeiou")
_FORMS: Final = (
    "{} Holding",
    "Grupo {}",
    "Embajador {}",
    "{} Mining",
    "Corporación {}",
    "Ministro {}",
    "Puerto {}",
    "{} Energía",
)
_EACH: Final = 10  # one text in so many names somebody


def made_up(count: int, seed: int = 3) -> list[tuple[str, str]]:
    """So many different names as (id, name); four to an id."""
    drawn = random.Random(seed)
    seen: dict[str, None] = {}
    while len(seen) < count:
        words = " ".join("".join(drawn.choices(_SYLLABLES, k=drawn.randint(2, 4))).title() for _ in range(2))
        seen[drawn.choice(_FORMS).format(words)] = None
    return [(f"n-{number // 4}", name) for number, name in enumerate(seen)]


def texts_with(known: list[tuple[str, str]], count: int, seed: int = 4) -> list[str]:
    """So many texts; one in ten names somebody, half of those in capitals without accents."""
    drawn = random.Random(seed)
    return [_text(number, known, drawn) for number in range(count)]


def _text(number: int, known: list[tuple[str, str]], drawn: random.Random) -> str:
    words = drawn.choices(NESTED.words, k=TEXT_CHARACTERS // 4)
    if number % _EACH == 0:
        name = drawn.choice(known)[1]
        words[5] = name.upper().replace("Ó", "O").replace("Í", "I") if number % (2 * _EACH) else f"({name}),"
    return " ".join(words)[:TEXT_CHARACTERS]
