"""The evaluator of running engines: texts of one field are compared together, each folded once an event.

Says for every event what the plain closures say (`condition.py`); tests hold it to them.
"""

from collections.abc import Sequence

from almenara.engine.expression import And, Field, Node, Not, Or, Text
from almenara.engine.matching.condition import Lists, Predicate, all_of, any_of, predicate_of
from almenara.engine.matching.texts import MANY_WORDS, any_word_of, sorted_tests
from almenara.engine.view import View


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
    words, ends, starts, equals, others = sorted_tests(tests)
    if words and not (ends or starts or equals or others):
        return _any_word(path, words)
    if len(words) >= MANY_WORDS:
        others, words = (any_word_of(words), *others), ()

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
    if len(words) >= MANY_WORDS:
        found = any_word_of(words)

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


def _all_texts(path: str, tests: Sequence[Text]) -> Predicate:
    """Each of the tests is met by some text at the path."""
    if len(tests) == 1:
        return _any_text(path, tests)
    each = [_any_text(path, [test]) for test in tests]
    words, ends, starts, equals, others = sorted_tests(tests)
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
