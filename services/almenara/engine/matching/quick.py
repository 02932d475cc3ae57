"""The evaluator of running engines: texts of one field are compared together, each folded once an event.

Says for every event what the plain closures say (`condition.py`); tests hold it to them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import daachorse

from almenara.engine.expression import MANY, ONE, And, Field, Node, Not, Or, Text
from almenara.engine.matching.condition import Lists, Predicate, all_of, any_of, predicate_of
from almenara.engine.matching.match import text_predicate
from almenara.engine.view import View

Compare = Callable[[str], bool]

_MANY: Final = 6
"""So many words are looked for together; fewer are found sooner one by one."""


def quick(node: Node, lists: Lists) -> Predicate:
    """The predicate of an expression."""
    if isinstance(node, Not):
        inner = quick(node.part, lists)
        return lambda view: not inner(view)
    if not isinstance(node, And | Or):
        return _any_text(node.path, [node.test]) if _foldable(node) else predicate_of(node, lists)  # type: ignore[union-attr,list-item]
    texts: dict[str, list[Text]] = {}
    others: list[Node] = []
    for part in node.parts:
        if _foldable(part):
            texts.setdefault(part.path, []).append(part.test)  # type: ignore[union-attr,arg-type]
        else:
            others.append(part)
    rest = [quick(part, lists) for part in others]
    if isinstance(node, And):
        return all_of([*(_all_texts(path, tests) for path, tests in texts.items()), *rest])
    return any_of([*(_any_text(path, tests) for path, tests in texts.items()), *rest])


def _foldable(node: Node) -> bool:
    return isinstance(node, Field) and isinstance(node.test, Text) and not node.test.cased


def _any_text(path: str, tests: Sequence[Text]) -> Predicate:
    """Any text at the path meets any of the tests."""
    words, ends, starts, equals, others = _sorted(tests)
    if words and not (ends or starts or equals or others):
        return _any_word(path, words)
    if len(words) >= _MANY:
        others, words = (_any_of(words), *others), ()

    def holds(view: View) -> bool:
        for text in view.folded(path):
            if text in equals or text.endswith(ends) or text.startswith(starts):
                return True
            for word in words:
                if word in text:
                    return True
            for other in others:
                if other(text):
                    return True
        return False

    return holds


def _any_word(path: str, words: Sequence[str]) -> Predicate:
    if len(words) >= _MANY:
        found = _any_of(words)

        def holds_one_of_many(view: View) -> bool:
            for text in view.folded(path):  # noqa: SIM110 - half the cost of a generator
                if found(text):
                    return True
            return False

        return holds_one_of_many

    def holds(view: View) -> bool:
        for text in view.folded(path):
            for word in words:
                if word in text:
                    return True
        return False

    return holds


def _any_of(words: Sequence[str]) -> Compare:
    """Whether a text holds any of the words, in one pass over it. UTF-8 holds what the text holds."""
    if not all(words):
        return lambda text: True
    find = daachorse.DoubleArrayAhoCorasick([_utf8(word) for word in dict.fromkeys(words)]).find
    return lambda text: bool(find(_utf8(text)))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a surrogate pair may stand in JSON


def _all_texts(path: str, tests: Sequence[Text]) -> Predicate:
    """Each of the tests is met by some text at the path."""
    if len(tests) == 1:
        return _any_text(path, tests)
    each = [_any_text(path, [test]) for test in tests]
    words, ends, starts, equals, others = _sorted(tests)
    if ends or starts or equals or others:
        return all_of(each)

    def holds(view: View) -> bool:
        texts = view.folded(path)
        if len(texts) != 1:
            return all(part(view) for part in each)
        text = texts[0]
        for word in words:  # noqa: SIM110 - half the cost of a generator
            if word not in text:
                return False
        return True

    return holds


def _sorted(
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
