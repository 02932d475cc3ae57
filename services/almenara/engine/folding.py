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
    return _fold_slowly(text) if words is None else words.decode()


class Phrases:
    """Finds phrases as whole words in texts, folded alike, all of them in one pass."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._known: list[list[int]] = []
        places: dict[bytes, int] = {}
        for number, phrase in enumerate(phrases):
            folded = fold(phrase).encode()
            if folded:
                place = places.setdefault(b" " + folded + b" ", len(self._known))
                if place == len(self._known):
                    self._known.append([])
                self._known[place].append(number)
        self._find = daachorse.DoubleArrayAhoCorasick(list(places)).find_overlapping if places else None

    def found_in(self, text: str) -> Sequence[int]:
        """The numbers of the phrases that stand in the text, each once, in the order of where they end."""
        if self._find is None:
            return ()
        words = _fold_by_table(text)
        hits = self._find(b" " + (_fold_slowly(text).encode() if words is None else words) + b" ")
        return tuple(dict.fromkeys(number for _, _, place in hits for number in self._known[place])) if hits else ()


def _fold_by_table(text: str) -> bytes | None:
    """The folded text where a table of western letters is enough (twenty times faster), else None."""
    try:
        folded = text.encode("latin-1").translate(_LATIN_1)
    except UnicodeEncodeError:
        try:
            folded = text.encode("cp1252").translate(_CP1252)  # adds the quotes and dashes of the press
        except UnicodeEncodeError:
            return None
    if b"\0" in folded:
        return None
    while b"  " in folded:  # a comma and a space; splitting and joining costs several times more
        folded = folded.replace(b"  ", b" ")
    return folded.strip(b" ")


def _fold_slowly(text: str) -> str:
    return " ".join("".join(map(_spelling, _plain(text))).split())


def _plain(text: str) -> list[str]:
    # Letters in fancy dress (𝘼) have no case before they are taken apart, and some parts have marks again after.
    taken_apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return [character for character in taken_apart if not unicodedata.combining(character)]


def _spelling(character: str) -> str:
    return character if character.isalnum() else " "


def _table(encoding: str) -> bytes:
    """What each byte folds to; zero for the letters that fold to several or to none of ASCII."""
    table = bytearray(256)
    for code in range(256):
        plain = "".join(map(_spelling, _plain(bytes((code,)).decode(encoding, "replace"))))
        table[code] = ord(plain) if len(plain) == 1 and plain.isascii() else 0
    return bytes(table)


_LATIN_1: Final = _table("latin-1")
_CP1252: Final = _table("cp1252")
