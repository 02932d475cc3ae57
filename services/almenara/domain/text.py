"""Untrusted text made plain: what it may hold when a person reads it, and how it is cut.

Knows nothing of any channel; escaping is a channel's own.
"""

import re
import unicodedata
from typing import Final

_KEPT_FORMAT: Final = "\u200c\u200d"  # joiners that Persian, Hindi and emoji need
_SPACES: Final = ("Cc", "Zl", "Zp")
_GONE: Final = ("Cf", "Cs")
_SENTENCE_END: Final = re.compile(r"[.!?…][»”\")\]]*\s")
_LONGEST: Final = 20_000  # no text that people read is longer; bounds the work on hostile ones


def plain(text: str, limit: int = _LONGEST) -> str:
    """One line without control characters, text direction overrides and other invisible marks; cut at `limit`."""
    text = text[:_LONGEST]
    if text.isprintable():  # none of the categories below is; almost every text is, and it is asked in no time
        return cut(" ".join(text.split()), limit)
    kept = []
    for char in text:
        kind = unicodedata.category(char)
        if kind in _SPACES:
            kept.append(" ")
        elif kind not in _GONE or char in _KEPT_FORMAT:
            kept.append(char)
    return cut(" ".join("".join(kept).split()), limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters: cut behind a sentence when one ends in the second half, else behind a word."""
    if len(text) <= limit:
        return text
    if limit < 1:
        return ""
    room = text[: limit - 1]
    ends = [match.end() - 1 for match in _SENTENCE_END.finditer(room)]
    if ends and ends[-1] > limit // 2:
        return room[: ends[-1]] + "…"
    space = room.rfind(" ")
    return (room[:space] if space > limit // 2 else room).rstrip() + "…"
