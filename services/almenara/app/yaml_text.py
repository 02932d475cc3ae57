"""Changes of YAML as text, by the places that `engine.reading.documents` gives: all else stays as it is."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""Where a line ends in YAML 1.1, by which places are counted."""
_BEGINS: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)
"""Where a document begins; three dashes at the start of a line are nothing else in YAML, in no text block either."""


def offset_of(text: str, line: int, column: int) -> int:
    """How many characters stand before a place (line and column from 1)."""
    starts = [0, *(match.end() for match in _BREAK.finditer(text))]
    return starts[line - 1] + column - 1


def without_document(text: str, line: int) -> str:
    """The text without the one document that holds this line; all others keep their lines."""
    return "".join(_blank(part) if first <= line < after else part for part, first, after in _parts(text))


def _parts(text: str) -> Iterator[tuple[str, int, int]]:
    """The text of each document with its first line and the one after its last."""
    starts = sorted({0, *(match.start() for match in _BEGINS.finditer(text)), len(text)})
    line = 1
    for start, end in pairwise(starts):
        part = text[start:end]
        after = line + len(_BREAK.findall(part))
        yield part, line, after + (end == len(text))  # the last line may lack its end
        line = after


def _blank(part: str) -> str:
    """As many lines, with nothing in them but the mark that another document may begin."""
    mark = "---" if _BEGINS.match(part) else ""
    return mark + "".join(_BREAK.findall(part))
