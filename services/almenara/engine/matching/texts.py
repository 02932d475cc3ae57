"""Many tests of one text asked together. Texts come folded: without case.

Says what each test says by itself (`match.py`), in one pass where it can. Knows no events.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import daachorse

from almenara.engine.expression import MANY, ONE, Text
from almenara.engine.matching.match import text_predicate

Compare = Callable[[str], bool]

MANY_WORDS: Final = 6
"""So many words are looked for together; fewer are found sooner one by one."""


def one_of(tests: Sequence[Text]) -> Compare:
    """Whether a text meets any of the tests."""
    words, ends, starts, equals, others = sorted_tests(tests)
    compares = [*others, any_word_of(words)] if words else others

    def met(text: str) -> bool:
        if text in equals or text.endswith(ends) or text.startswith(starts):
            return True
        return any(compare(text) for compare in compares)

    return met


def any_word_of(words: Sequence[str]) -> Compare:
    """Whether a text holds any of the words, in one pass over it. UTF-8 holds what the text holds."""
    if not all(words):
        return lambda text: True
    find = daachorse.DoubleArrayAhoCorasick([_utf8(word) for word in dict.fromkeys(words)]).find
    return lambda text: bool(find(_utf8(text)))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a surrogate pair may stand in JSON


def sorted_tests(
    tests: Iterable[Text],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], frozenset[str], tuple[Compare, ...]]:
    """The tests by what they are: words inside, ends, starts, whole texts, and everything else."""
    words, ends, starts, equals, others = [], [], [], [], []
    for test in tests:
        parts: list[Any] = [part.casefold() if isinstance(part, str) else part for part in test.parts]
        inner = "".join(part for part in parts if isinstance(part, str))
        shape = [part if part in (MANY, ONE) and not isinstance(part, str) else "" for part in parts]
        if shape == [MANY, "", MANY]:
            words.append(inner)
        elif shape == [MANY, ""]:
            ends.append(inner)
        elif shape == ["", MANY]:
            starts.append(inner)
        elif all(isinstance(part, str) for part in parts):
            equals.append(inner)
        else:
            others.append(text_predicate(parts))
    return tuple(words), tuple(ends), tuple(starts), frozenset(equals), tuple(others)
