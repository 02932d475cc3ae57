"""One spelling of a text for comparing names: no case, no accents, words parted by single spaces.

N-tilde folds to n: sources in English and in pinyin drop the tilde, and a missed name is worse than a met namesake.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

import daachorse


def fold(text: str) -> str:
    """The folded text. Punctuation parts words; letters of every script are kept, their marks are not."""
    words = _fold_by_table(text)
    return _fold_slowly(text) if words is None else words.strip().decode()


class Phrases:
    """Finds phrases as whole words in texts, folded alike, all of them in one pass."""

    def __init__(self, phrases: Iterable[str]) -> None:
        folded = [fold(phrase).encode() for phrase in phrases]
        patterns = [b" " + words + b" " if words else _NOWHERE for words in folded]
        self._find = daachorse.DoubleArrayAhoCorasick(patterns or [_NOWHERE]).find_overlapping

    def found_in(self, text: str) -> Sequence[int]:
        """The numbers of the phrases that stand in the text, each once, in the order of where they end."""
        words = _fold_by_table(text)
        if words is None:
            words = _fold_slowly(text).encode()
        hits = self._find(b" %b " % words)
        return tuple(dict.fromkeys([number for _, _, number in hits])) if hits else ()


def _fold_by_table(text: str) -> bytes | None:
    """The folded text where a table of western letters is enough (twenty times faster), else None.

    At its ends a space may stand; inside words are parted by one.
    """
    try:
        folded = text.encode("latin-1").translate(_LATIN_1)
    except UnicodeEncodeError:
        try:
            folded = text.encode("cp1252").translate(_CP1252)  # adds the quotes and dashes of the press
        except UnicodeEncodeError:
            return None
    if not folded.isascii():
        return None
    if _MARK in folded:  # a number, not bytes: that is asked three times as fast
        folded = folded.replace(b"\x01", b" ").replace(b"  ", b" ")
    while _two_spaces(folded):  # splitting and joining costs several times more
        folded = folded.replace(b"  ", b" ")
    return folded


def _fold_slowly(text: str) -> str:
    return " ".join("".join(map(_spelling, _plain(text))).split())


def _plain(text: str) -> list[str]:
    # Letters in fancy dress (𝘼) have no case before they are taken apart, and some parts have marks again after.
    taken_apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return [character for character in taken_apart if not unicodedata.combining(character)]


def _spelling(character: str) -> str:
    return character if character.isalnum() else " "


_NOWHERE: Final = b"\xff" * 32
"""For a phrase without words: stands in no text, because it is no UTF-8. Long, because short ones slow the search."""
_MARK: Final = 1
"""What punctuation folds to at first: that a text has none is seen faster than that it has no two spaces in a row."""
_BY_UNICODE: Final = 0xFF
_two_spaces: Final = daachorse.DoubleArrayAhoCorasick([b"  "]).find
"""Where two spaces stand, if anywhere: in a paragraph in half the time of `in`."""


def _table(encoding: str) -> bytes:
    """What each byte folds to; beyond ASCII stands for the letters that fold to several or to none of ASCII."""
    table = bytearray(256)
    for code in range(256):
        plain = "".join(map(_spelling, _plain(bytes((code,)).decode(encoding, "replace"))))
        table[code] = ord(plain) if len(plain) == 1 and plain.isascii() else _BY_UNICODE
        if plain == " " and code != ord(" "):
            table[code] = _MARK
    return bytes(table)


_LATIN_1: Final = _table("latin-1")
_CP1252: Final = _table("cp1252")
