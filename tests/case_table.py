"""What must come out of the two cases: one row for each fact. Plain data, used by the replay tests.

A row says what fires (rule, country of the alert, what happens to it, the clock's hour) or, with nothing in `fires`,
why nothing must. Nothing that is not in the table may fire.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

RAISED: Final = "raised"
UPDATED: Final = "updated"
RESOLVED: Final = "resolved"
RETRACTED: Final = "retracted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fires:
    """One change of one alert. `at` is the clock (UTC), to the hour; `event` is the id of the event it rests on.

    `checked` is False where the alert can only say that it could not be checked.
    """

    rule: str
    country: str
    what: str
    at: datetime
    event: str
    checked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fact: what it makes fire and why, or why it makes nothing fire."""

    fact: int
    title: str
    why: str
    fires: tuple[Fires, ...] = ()


def _fires(rule: str, country: str, what: str, at: str, event: str, *, checked: bool = True) -> Fires:
    when = datetime.strptime(at, "%Y-%m-%d %H").replace(tzinfo=UTC)
    return Fires(rule=rule, country=country, what=what, at=when, event=event, checked=checked)


PERU: Final = (
    Row(
        fact=1, title="2024-10-04 event in Congress", why="the Congress register has the visit: same host, same visitor"
    ),
    Row(
        fact=2,
        title="2025-06-04 US entry restrictions, 19 countries",
        why="first edition: Peru and Chile were checked and are not on it",
        fires=(_fires("visa_list_change", "USA", RAISED, "2025-06-04 17", "us-entry-restrictions-2025-06-04"),),
    ),
    Row(fact=3, title="2025-09-15 possible F-16 sale", why="an arms sale is no designation of a watched kind"),
    Row(
        fact=4,
        title="2025-10-10 Boluarte removed",
        why="a change of office; the first shock, so no instability yet",
        fires=(_fires("office_change", "PER", RAISED, "2025-10-10 17", "pe-2025-10-10-office"),),
    ),
    Row(fact=5, title="2025-10-24 register entry", why="an entry without a reported meeting: there is nothing to miss"),
    Row(fact=6, title="2025-11-03 relations with Mexico", why="a shift towards Mexico, not the US or China"),
    Row(fact=7, title="2025-11-06 persona non grata", why="a shift towards Mexico, not the US or China"),
    Row(
        fact=8,
        title="2025-12-11 major non-NATO ally, intent",
        why="a major designation that affects Peru, known a day later",
        fires=(_fires("major_designation", "USA", RAISED, "2025-12-12 17", "us-2025-12-11-ally-intent"),),
    ),
    Row(fact=9, title="2025-12-12 visit", why="the Palace register has it: same host, same visitor"),
    Row(
        fact=10,
        title="2025-12-16 US entry restrictions, 19 to 39 countries",
        why="second edition: Laos and Sierra Leone moved to full; Peru and Chile are not on it",
        fires=(_fires("visa_list_change", "USA", RAISED, "2025-12-16 17", "us-entry-restrictions-2025-12-16"),),
    ),
    Row(
        fact=11,
        title="2025-12-26 meeting at night",
        why="no entry for the two around 26 December; known 11 January, both registers read, 6 h of grace",
        fires=(_fires("unregistered_meeting", "PER", RAISED, "2026-01-11 23", "pe-2025-12-26-meeting"),),
    ),
    Row(
        fact=12,
        title="2025-12-29 visit",
        why="the register has it; it lies outside the windows of 26 December and 6 January, whoever the host was",
    ),
    Row(fact=13, title="2026-01-03 Maduro captured", why="context: no rule is about it"),
    Row(fact=14, title="2026-01-05 visit", why="the register has it; it lies outside the window of 6 January"),
    Row(
        fact=15,
        title="2026-01-06 meeting in a closed shop",
        why="no entry for the two around 6 January; known 18 January, both registers read, 6 h of grace",
        fires=(_fires("unregistered_meeting", "PER", RAISED, "2026-01-18 23", "pe-2026-01-06-meeting"),),
    ),
    Row(
        fact=16,
        title="2026-01-06 US visa bonds, 13 to 38 countries",
        why="known 7 January; full list not captured: Cuba and Venezuela are named, Peru and Chile are not",
        fires=(_fires("visa_list_change", "USA", RAISED, "2026-01-07 17", "us-visa-bond-2026-01-06"),),
    ),
    Row(
        fact=17,
        title="2026-01-14 US pause of immigrant visas, 75 countries",
        why="first edition of its family; printings of 74 and 75; Peru and Chile are on neither",
        fires=(_fires("visa_list_change", "USA", RAISED, "2026-01-14 17", "us-immigrant-visa-pause-2026-01-14"),),
    ),
    Row(
        fact=18,
        title="2026-01-14 major non-NATO ally, made",
        why="signed on 14 January, published about 3 February: the alert comes when it is known",
        fires=(_fires("major_designation", "USA", RAISED, "2026-02-03 17", "us-2026-01-14-ally-made"),),
    ),
    Row(fact=19, title="2026-01-21 hearing", why="an article: no meeting told, no office changed"),
    Row(fact=20, title="2026-01-29 Ositran ruling", why="an article names a watched company, but tells no meeting"),
    Row(fact=21, title="2026-02-11 US warning over Chancay", why="the speaker is the United States"),
    Row(
        fact=22,
        title="2026-02-12 Lin Jian answers",
        why="one strong statement about the US by China's spokesman: filed under China, not Peru",
        fires=(_fires("strong_statement", "CHN", RAISED, "2026-02-12 17", "cn-2026-02-12-lin-jian"),),
    ),
    Row(
        fact=23,
        title="2026-02-17 Jerí censured",
        why="a change of office, and the second within 180 days (130 after the first)",
        fires=(
            _fires("office_change", "PER", RAISED, "2026-02-17 17", "pe-2026-02-17-office"),
            _fires("instability", "PER", RAISED, "2026-02-17 17", "pe-2026-02-17-office"),
        ),
    ),
    Row(
        fact=24,
        title="2026-02-18 Balcázar elected",
        why="a change of office; the third shock joins the open instability alert",
        fires=(
            _fires("office_change", "PER", RAISED, "2026-02-18 17", "pe-2026-02-18-office"),
            _fires("instability", "PER", UPDATED, "2026-02-18 17", "pe-2026-02-18-office"),
        ),
    ),
    Row(fact=25, title="2026-02-19 Balcázar on the US", why="a friendly statement: nothing hostile in its words"),
    Row(
        fact=26,
        title="2026-02-20 visas of three Chileans",
        why="a visa list change that affects Chile",
        fires=(_fires("visa_list_change", "USA", RAISED, "2026-02-20 17", "us-visa-revocations-2026-02-20"),),
    ),
    Row(
        fact=27, title="2026-02-22 Chile rejects it", why="criticism in mild words, once: neither strong nor sustained"
    ),
    Row(fact=28, title="2026-03-05 absent from Miami", why="an absence whose reasons differ: no position is told"),
)

ALMORIA: Final = (
    Row(
        fact=1,
        title="a late register entry",
        why="registers read, no entry: true when said; the entry of 17 March closes it as registered late",
        fires=(
            _fires("unregistered_meeting", "XAL", RAISED, "2026-03-13 18", "xal-2026-03-08-meeting"),
            _fires("unregistered_meeting", "XAL", RESOLVED, "2026-03-17 15", "xal-2026-03-08-meeting"),
        ),
    ),
    Row(
        fact=2,
        title="registers that nobody read",
        why="could not be checked; 16 March becomes a full alert once read, 24 March vanishes: the entry is there",
        fires=(
            _fires("unregistered_meeting", "XAL", RAISED, "2026-03-21 16", "xal-2026-03-16-meeting", checked=False),
            _fires("unregistered_meeting", "XAL", UPDATED, "2026-03-23 09", "xal-2026-03-16-meeting"),
            _fires("unregistered_meeting", "XAL", RAISED, "2026-03-29 16", "xal-2026-03-24-meeting", checked=False),
            _fires("unregistered_meeting", "XAL", RESOLVED, "2026-03-31 09", "xal-2026-03-24-meeting"),
        ),
    ),
    Row(
        fact=3,
        title="a corrected event",
        why="the corrected report names somebody who is on no list: the alert was wrong and is retracted",
        fires=(
            _fires("unregistered_meeting", "XAL", RAISED, "2026-03-15 16", "xal-2026-03-10-meeting"),
            _fires("unregistered_meeting", "XAL", RETRACTED, "2026-03-18 11", "xal-2026-03-10-meeting"),
        ),
    ),
    Row(
        fact=4,
        title="sustained rhetoric",
        why="hostile on 9, 11, 14 and 16 March, joined by 19 March; the quotations of 10, 12 and 13 March do not count",
        fires=(
            _fires("sustained_rhetoric", "XAL", RAISED, "2026-03-16 17", "xal-2026-03-16-statement"),
            _fires("sustained_rhetoric", "XAL", UPDATED, "2026-03-19 17", "xal-2026-03-19-statement"),
        ),
    ),
    Row(
        fact=5,
        title="two reports of one meeting",
        why="the same two people within 48 h: the second report joins the alert of the first, another date or not",
        fires=(
            _fires("unregistered_meeting", "XAL", RAISED, "2026-03-23 18", "xal-2026-03-17-meeting-herald"),
            _fires("unregistered_meeting", "XAL", UPDATED, "2026-03-24 01", "xal-2026-03-17-meeting-courier"),
        ),
    ),
)
