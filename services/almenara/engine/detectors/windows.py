"""Sliding windows over the times of many keys: the bare structure that the detectors count with.

Times are whole numbers, of any unit. It knows no events, rules or alerts.
"""

from bisect import bisect_left, bisect_right, insort


class Windows:
    """The times of each key in order. The window that ends with a time holds those less than `span` before it."""

    __slots__ = ("span", "times")

    def __init__(self, span: int, times: dict[str, list[int]] | None = None) -> None:
        self.span = span
        self.times: dict[str, list[int]] = {} if times is None else times

    def add(self, key: str, time: int) -> int:
        """Takes a time in, in any order; says how many of its key the window holds that ends with it."""
        times = self.times.get(key)
        if times is None:
            self.times[key] = [time]
            return 1
        if time < times[-1]:
            insort(times, time)
            return bisect_right(times, time) - bisect_right(times, time - self.span)
        times.append(time)
        after = time - self.span
        return len(times) if times[0] > after else len(times) - bisect_right(times, after)

    def count(self, key: str, at: int) -> int:
        """How many the window holds that ends with the time at this place of the key's times."""
        times = self.times[key]
        return at + 1 - bisect_right(times, times[at] - self.span)

    def discard(self, key: str, time: int) -> None:
        """Takes a time out again; it must be there."""
        times = self.times[key]
        del times[bisect_left(times, time)]
        if not times:
            del self.times[key]

    def forget(self, before: int) -> None:
        """Drops every time before this one, and keys without any; looks at all keys."""
        for key in list(self.times):
            times = self.times[key]
            if times[-1] < before:
                del self.times[key]
            elif times[0] < before:
                del times[: bisect_left(times, before)]
