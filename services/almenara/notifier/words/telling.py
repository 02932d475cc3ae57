"""What every part of a message needs: the alert, the language and the reader's zone; and the labels of paragraphs."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from almenara.domain.alert import Alert, Evidence
from almenara.domain.event import CHECKED
from almenara.domain.message import Paragraph
from almenara.notifier.words import vocabulary as words

LABELS: Final = {
    "reported": ("Reported", "Se informa"),
    "quote": ("Quote", "Cita"),
    "said_by": ("Said by", "Dicho por"),
    "by": ("By", "De"),
    "list": ("List", "Lista"),
    "checked": ("Checked", "Se buscó"),
    "unread": ("Not checked", "Sin comprobar"),
    "nearest": ("Nearest entries", "Anotaciones cercanas"),
    "differ": ("Sources differ", "Las fuentes difieren"),
    "changes": ("Changes", "Cambios"),
    "not_on_it": ("Checked, not on it", "Se buscó y no figura"),
    "not_named": ("Not named, list not fully captured", "No se nombra, lista sin captura completa"),
    "printings": ("Printings", "Versiones"),
    "provisional": ("Provisional", "Provisional"),
    "countries": ("Countries", "Países"),
    "sources": ("Sources", "Fuentes"),
    "known": ("Became known", "Se supo"),
}

_SENTENCES: Final = ("reported", "checked", "unread", "changes", "provisional")


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Telling:
    """One alert as it is told to one reader; `as_of` is when its search was decided upon, if this change did that."""

    alert: Alert
    language: str
    zone: tzinfo
    as_of: datetime | None = None

    def say(self, english: str, spanish: str) -> str:
        """The one of two texts that the reader reads."""
        return spanish if self.language == "es" else english

    def paragraph(self, label: str, text: str, quote_language: str = "") -> Paragraph:
        """A paragraph under one of the labels."""
        shown = capital(text) if label in _SENTENCES else text
        return Paragraph(label=self.say(*LABELS[label]), text=shown, quote_language=quote_language)

    def day(self, moment: datetime, *, year: bool = True) -> str:
        """`26 Dec 2025` in the reader's zone."""
        return words.day_of(moment, self.language, self.zone, year=year)

    def hour(self, moment: datetime, *, year: bool = False) -> str:
        """`26 Dec 12:00` in the reader's zone."""
        return words.hour_of(moment, self.language, self.zone, year=year)

    def day_of(self, event: Evidence, *, year: bool = True) -> str:
        """The day of an event, as its own place has it where only the day is known."""
        return words.day_known(event.time, event.until, self.language, self.zone, year=year)

    def when(self, event: Evidence) -> str:
        """When an event was, as precisely as it is known."""
        return words.when(event.time, event.until, self.language, self.zone)

    def join(self, parts: list[str], last: str = "") -> str:
        """`a, b and c`."""
        return words.joined(parts, self.language, last)

    @property
    def silence(self) -> bool:
        """Whether the alert is about a source that fell silent, not about a missing entry."""
        return bool(self.alert.events) and self.alert.events[-1].type == CHECKED

    @property
    def place(self) -> str:
        """The name of the reader's zone."""
        return words.zone_label(self.zone)
