"""Hours in any zone on any day: quiet time ends, and is over when it does; digests come in order, one for each time."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.audience import Deputy, Digest, Duty, Quiet
from almenara.notifier.hours import away, last_digest, next_digest, on_duty, quiet_until

ZONES = ("America/Lima", "Europe/Madrid", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo")
"""Without summer time, with it, with it in the south, by half an hour, by no whole hour, at midnight."""

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.integers(0, 3_000_000).map(lambda minute: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minute))
minutes = st.integers(0, 1439)
quiets = st.builds(
    Quiet,
    daily=st.none() | st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1]),
    weekends=st.booleans(),
)
digests = st.builds(
    Digest,
    at=st.lists(minutes, min_size=1, max_size=3, unique=True).map(lambda found: tuple(sorted(found))),
    days=st.lists(st.integers(1, 7), min_size=1, unique=True).map(lambda found: tuple(sorted(found))),
)


@given(quiets, zones, moments)
def test_quiet_time_ends_later_and_is_over_then(quiet: Quiet, zone: ZoneInfo, at: datetime) -> None:
    end = quiet_until(quiet, zone, at)
    if end is not None:
        assert at < end <= at + timedelta(days=4)
        assert quiet_until(quiet, zone, end) is None


@given(quiets, zones, moments)
def test_quiet_time_is_what_the_clock_on_the_wall_says(quiet: Quiet, zone: ZoneInfo, at: datetime) -> None:
    there = at.astimezone(zone)
    minute, weekend = there.hour * 60 + there.minute, quiet.weekends and there.isoweekday() > 5
    start, end = quiet.daily or (0, 0)
    night = start <= minute < end if start < end else quiet.daily is not None and (minute >= start or minute < end)
    assert (quiet_until(quiet, zone, at) is not None) == (weekend or night)


@given(digests, zones, moments)
def test_digests_come_in_order_and_on_their_days(digest: Digest, zone: ZoneInfo, at: datetime) -> None:
    times = [next_digest(digest, zone, at)]
    for _ in range(8):
        times.append(next_digest(digest, zone, times[-1]))
    assert times[0] > at
    assert all(one < other for one, other in pairwise(times))
    assert {time.astimezone(zone).isoweekday() for time in times} <= {
        *digest.days,
        *(day % 7 + 1 for day in digest.days),
    }
    assert last_digest(digest, zone, times[0], times[-1]) == times[-1]
    assert last_digest(digest, zone, times[0], times[-1] - timedelta(microseconds=1)) == times[-2]


@pytest.mark.parametrize(("day", "there"), [(1, False), (2, True), (5, True), (6, False)])
def test_a_deputy_stands_in_from_the_first_to_the_last_local_day(day: int, there: bool) -> None:
    zone = ZoneInfo("America/Lima")
    deputy = Deputy(who="ben", start=date(2026, 3, 2), until=date(2026, 3, 5))
    for hour, minute in ((0, 0), (23, 59)):
        assert away(deputy, zone, datetime(2026, 3, day, hour, minute, tzinfo=zone)) == there


def test_the_first_entry_of_a_rota_that_fits_is_on_duty() -> None:
    rota = (Duty(who="ana", days=(1, 2)), Duty(who="carl", days=(2,)), Duty(who="ben"))
    found = [on_duty(rota, ZoneInfo("UTC"), datetime(2026, 3, day, tzinfo=UTC)) for day in (2, 3, 4)]
    assert found == ["ana", "ana", "ben"]
    assert on_duty(rota[:1], ZoneInfo("UTC"), datetime(2026, 3, 4, tzinfo=UTC)) == ""
