"""The words of the pages in English and Spanish, and how times are written there. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from almenara.domain.text import plain

_LONGEST_KEY: Final = 40
LANGUAGES: Final = ("en", "es")

Pair = tuple[str, str]
"""One text in English and in Spanish."""

LEVELS: Final[Mapping[str, Pair]] = {
    "critical": ("CRITICAL", "CRÍTICA"),
    "high": ("HIGH", "ALTA"),
    "medium": ("MEDIUM", "MEDIA"),
    "low": ("LOW", "BAJA"),
    "informational": ("INFO", "INFO"),
}
STATES: Final[Mapping[str, Pair]] = {
    "open": ("open", "abierta"),
    "acknowledged": ("acknowledged", "tomada a cargo"),
    "resolved": ("closed", "cerrada"),
    "retracted": ("retracted", "retirada"),
}
CHANGES: Final[Mapping[str, Pair]] = {
    "raised": ("raised", "emitida"),
    "updated": ("updated", "actualizada"),
    "acknowledged": ("acknowledged", "tomada a cargo"),
    "judged": ("judged", "valorada"),
    "assigned": ("assigned", "asignada"),
    "resolved": ("closed", "cerrada"),
    "retracted": ("retracted", "retirada"),
}
DELIVERIES: Final[Mapping[str, Pair]] = {
    "held": ("waits", "espera"),
    "joined": ("told in a digest", "incluida en un resumen"),
    "dropped": ("not sent after all", "al final no se envió"),
    "attempting": ("being sent", "enviándose"),
    "delivered": ("delivered", "entregada"),
    "rejected_permanent": ("refused", "rechazada"),
    "retry_after": ("tried again later", "se reintentará"),
    "unknown": ("sent, arrival not known", "enviada, no se sabe si llegó"),
    "given_up": ("given up", "abandonada"),
}
JUDGEMENTS: Final[Mapping[str, Pair]] = {
    "true": ("Yes, it was right", "Sí, era acertada"),
    "false": ("No, it was a false alarm", "No, fue una falsa alarma"),
    "unclear": ("It cannot be said", "No se puede decir"),
}
LINKS: Final[Mapping[str, Pair]] = {
    "why": ("Why", "Por qué"),
    "acknowledge": ("Acknowledge", "Tomar a cargo"),
    "judge": ("Judge", "Valorar"),
    "assign": ("Assign", "Asignar"),
    "mute": ("Mute", "Silenciar"),
    "unsubscribe": ("Unsubscribe", "Dejar de recibir"),
}
_MONTHS: Final = (
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
)


@dataclass(frozen=True, slots=True)
class Voice:
    """How one reader is spoken to: their language and their zone."""

    language: str
    zone: tzinfo

    def say(self, pair: Pair) -> str:
        """The one of two texts that the reader reads."""
        return pair[1 if self.language == "es" else 0]

    def word(self, words: Mapping[str, Pair], key: str) -> str:
        """The reader's word for a key; the key itself, made plain, where there is none."""
        found = words.get(key)
        return self.say(found) if found is not None else plain(key, _LONGEST_KEY)

    def when(self, moment: datetime) -> str:
        """`26 Dec 2025 12:00 (Lima)`, in the reader's zone."""
        try:
            there = moment.astimezone(self.zone)
        except OverflowError:  # the first and the last day of the calendar
            there = moment
        place = str(self.zone).rpartition("/")[2].replace("_", " ")
        return f"{self.day(there)} {there:%H:%M} ({place})"

    def day(self, moment: datetime) -> str:
        """`26 Dec 2025`, as the moment's own zone has it."""
        month = _MONTHS[1 if self.language == "es" else 0][moment.month - 1]
        return f"{moment.day} {month} {moment.year}"


def voice_of(language: str, time_zone: str) -> Voice:
    """The voice for a subscriber; English where the language is not known, UTC where the zone is not."""
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):  # unknown; not a name at all; the name of a folder
        zone = ZoneInfo("UTC")
    return Voice(language if language in LANGUAGES else "en", zone)
