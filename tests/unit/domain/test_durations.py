"""Durations: what people write, and back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("15m", 900), ("36h", 129_600), ("1d12h", 129_600), ("2w", 1_209_600), ("0s", 0), (" 5m ", 300)],
)
def test_says_what_is_written(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "1.5h", "-1h", "12h1d", "1h1h", "1y", "1 h", "٣s", "9999999999d", "999999999w"]
)
def test_refuses_with_the_cure(text: str) -> None:
    with pytest.raises(ValueError, match="such as 30s"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_writing_and_reading_give_the_same(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


def test_a_negative_duration_is_not_written() -> None:
    with pytest.raises(ValueError, match="negative"):
        format_duration(timedelta(seconds=-1))
