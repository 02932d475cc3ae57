"""The words of messages in English and Spanish: levels, countries, days and hours.

Knows nothing of alerts; every function is pure.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from almenara.notifier.words.reading import NAME, get, text_of

LANGUAGES: Final = ("en", "es")

DOTS: Final = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "🔵", "informational": "⚪"}
CLOSED_DOT: Final = "⚪"

LEVELS: Final = {
    "en": {"critical": "CRITICAL", "high": "HIGH", "medium": "MEDIUM", "low": "LOW", "informational": "INFO"},
    "es": {"critical": "CRÍTICA", "high": "ALTA", "medium": "MEDIA", "low": "BAJA", "informational": "INFO"},
}

POSSIBLE_DUPLICATE: Final = (
    "POSSIBLE DUPLICATE: this message may have reached you before.",
    "POSIBLE DUPLICADO: quizá este mensaje ya le llegó antes.",
)

MONTHS: Final = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
}

# The countries that messages name most; others are told by their code.
_COUNTRIES: Final = """
AFG Afghanistan Afganistán|AGO Angola Angola|ARE United_Arab_Emirates Emiratos_Árabes_Unidos|ARG Argentina Argentina
ARM Armenia Armenia|AUS Australia Australia|AUT Austria Austria|BEL Belgium Bélgica|BEN Benin Benín
BFA Burkina_Faso Burkina_Faso|BGD Bangladesh Bangladés|BOL Bolivia Bolivia|BRA Brazil Brasil|CAN Canada Canadá
CHE Switzerland Suiza|CHL Chile Chile|CHN China China
CIV Ivory_Coast Costa_de_Marfil|CMR Cameroon Camerún
COD Democratic_Republic_of_the_Congo República_Democrática_del_Congo
COG Republic_of_the_Congo República_del_Congo
COL Colombia Colombia|CRI Costa_Rica Costa_Rica|CUB Cuba Cuba|DEU Germany Alemania
DOM Dominican_Republic República_Dominicana
ECU Ecuador Ecuador|EGY Egypt Egipto|ESP Spain España|ETH Ethiopia Etiopía|FRA France Francia
GBR United_Kingdom Reino_Unido
GHA Ghana Ghana|GTM Guatemala Guatemala|GUY Guyana Guyana|HND Honduras Honduras|HTI Haiti Haití|IDN Indonesia Indonesia
IND India India
IRN Iran Irán|IRQ Iraq Irak|ISR Israel Israel|ITA Italy Italia|JAM Jamaica Jamaica|JPN Japan Japón
KAZ Kazakhstan Kazajistán|KEN Kenya Kenia|KHM Cambodia Camboya|KOR South_Korea Corea_del_Sur|LAO Laos Laos
LBY Libya Libia|MAR Morocco Marruecos|MEX Mexico México|MMR Myanmar Myanmar|MNG Mongolia Mongolia
NGA Nigeria Nigeria
NIC Nicaragua Nicaragua|NLD Netherlands Países_Bajos|NPL Nepal Nepal|PAK Pakistan Pakistán|PAN Panama Panamá
PER Peru Perú
PHL Philippines Filipinas|POL Poland Polonia|PRK North_Korea Corea_del_Norte|PRT Portugal Portugal
PRY Paraguay Paraguay
QAT Qatar Catar|RUS Russia Rusia|SAU Saudi_Arabia Arabia_Saudí|SDN Sudan Sudán|SLE Sierra_Leone Sierra_Leona
SLV El_Salvador El_Salvador|SOM Somalia Somalia|SUR Suriname Surinam|SYR Syria Siria|THA Thailand Tailandia
TUR Turkey Turquía|TWN Taiwan Taiwán|UKR Ukraine Ucrania|URY Uruguay Uruguay|USA United_States Estados_Unidos
VEN Venezuela Venezuela|VNM Vietnam Vietnam|XAL Almoria Almoria|YEM Yemen Yemen|ZAF South_Africa Sudáfrica
"""
COUNTRIES: Final[Mapping[str, Mapping[str, str]]] = {
    code: {"en": en.replace("_", " "), "es": es.replace("_", " ")}
    for code, en, es in (row.split() for line in _COUNTRIES.strip().splitlines() for row in line.split("|"))
}

_SOUNDS_LIKE_I: Final = re.compile("h?[ií](?![aeiouáéíóú])", re.IGNORECASE)
"""Before such a word `y` is `e`: Colombia e India, China e Irán."""

_DAY: Final = timedelta(days=1)
_DAY_SLACK: Final = timedelta(hours=1)  # days on which clocks change have 23 or 25 hours


def country_name(code: str, language: str, carried: Any = None) -> str:
    """The country's name as the event carries it (`{code: {en, es}}`), else from the table here, else its code."""
    return text_of(get(carried, code), language, NAME) or COUNTRIES.get(code, {}).get(language, code)


def country_names(codes: Sequence[str], language: str, *, most: int = 8, carried: Any = None) -> str:
    """`Brazil, Colombia and Uruguay`; beyond `most`, how many more."""
    names = sorted(country_name(code, language, carried) for code in codes)
    if len(names) > most:
        more = len(names) - most
        return ", ".join(names[:most]) + (f" and {more} more" if language == "en" else f" y {more} más")
    return joined(names, language)


def joined(parts: Sequence[str], language: str, last: str = "") -> str:
    """A list as a sentence has it: `a, b and c` (or with another `last` word)."""
    if len(parts) < 2:
        return "".join(parts)
    word = last or ("and" if language == "en" else "e" if _SOUNDS_LIKE_I.match(parts[-1]) else "y")
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def zone_of(name: str) -> tzinfo:
    """The IANA zone; UTC when there is no such zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a name at all; the name of a folder
        return ZoneInfo("UTC")


def zone_label(zone: tzinfo) -> str:
    """How a message names a zone: its city."""
    return str(zone).rpartition("/")[2].replace("_", " ")


def day_of(moment: datetime, language: str, zone: tzinfo, *, year: bool = True) -> str:
    """`26 Dec 2025`."""
    there = _local(moment, zone)
    text = f"{there.day} {MONTHS[language][there.month - 1]}"
    return f"{text} {there.year}" if year else text


def hour_of(moment: datetime, language: str, zone: tzinfo, *, year: bool = False) -> str:
    """`26 Dec 12:00`, without the zone's name."""
    return f"{day_of(moment, language, zone, year=year)} {_local(moment, zone):%H:%M}"


def is_day(start: datetime, until: datetime | None) -> bool:
    """Whether an interval is one day: then only the day is known."""
    return until is not None and abs((until - start) - _DAY) <= _DAY_SLACK


def when(start: datetime, until: datetime | None, language: str, zone: tzinfo) -> str:
    """When something happened, as precisely as it is known.

    A day is told as its own place has it, whatever the reader's zone: the date at its midday.
    """
    if until is None:
        return hour_of(start, language, zone, year=True)
    if is_day(start, until):
        return day_of(start + _DAY / 2, language, ZoneInfo("UTC"))
    return f"{hour_of(start, language, zone)} – {hour_of(until, language, zone, year=True)}"


def day_known(start: datetime, until: datetime | None, language: str, zone: tzinfo, *, year: bool = True) -> str:
    """The day on which something happened."""
    if is_day(start, until):
        return day_of(start + _DAY / 2, language, ZoneInfo("UTC"), year=year)
    return day_of(start, language, zone, year=year)


def number(value: float, language: str) -> str:
    """`0.91`, or with a decimal comma in Spanish."""
    text = f"{value:g}"
    return text.replace(".", ",") if language == "es" else text


def _local(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:  # the first and the last day of the calendar
        return moment
