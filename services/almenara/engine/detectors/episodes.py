"""Alerts of one key: how windows that hold become episodes, and which episode of before each one continues. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from almenara.engine.detectors.tracks import Entry, Tracks


class Episode(msgspec.Struct, array_like=True):
    """One alert of one key: its slot, and the ids of its events in order.

    `first` is the time of its earliest event, `last` the latest end of one. `since` and `until` are the times of the
    first and the last event at which it holds, `moment` is the id of the first: there, by event time, it became true.
    """

    slot: str
    members: list[str]
    first: int
    last: int
    since: int
    until: int
    moment: str


@dataclass(slots=True)
class Group:
    """What would be one alert now: its entries in order, and the first and the last at which it holds.

    `names` are the entries that it may be named after, the best first.
    """

    members: Sequence[Entry]
    moment: Entry
    latest: Entry
    names: Sequence[Entry]

    def episode(self, slot: str) -> Episode:
        """The group as an alert."""
        return Episode(
            slot=slot,
            members=[entry.uid for entry in self.members],
            first=self.members[0].time,
            last=max([entry.end for entry in self.members]),
            since=self.moment.time,
            until=self.latest.time,
            moment=self.moment.uid,
        )


def runs(tracks: Tracks, key: str, held: Sequence[int]) -> list[Group]:
    """Windows that share an event are one group; `held` are the places of the entries whose windows hold, in order."""
    entries, span, times = tracks.of(key), tracks.windows.span, tracks.state.times.get(key, [])
    moments = not tracks.longest(key)
    found: list[list[int]] = []
    before = 0
    for at in held:
        after = times[at] - span
        # Among moments the latest one before ends last.
        if found and (times[before] > after if moments else tracks.ending_after(key, before, after)):
            found[-1].append(at)
        else:
            found.append([at])
        before = at
    groups = ((_together(tracks, key, run), entries[run[0]], entries[run[-1]]) for run in found)
    return [Group(members, first, last, members) for members, first, last in groups]


def _together(tracks: Tracks, key: str, run: Sequence[int]) -> Sequence[Entry]:
    """The entries of all windows of a run."""
    span = tracks.windows.span
    entries = tracks.of(key)
    widest = tracks.ending_after(key, run[-1], entries[run[0]].time - span)
    if not tracks.longest(key):
        return widest
    # With intervals a window has gaps: each entry is asked for by the first window that begins at or after it.
    found: list[Entry] = []
    ends = iter(run)
    end = entries[next(ends)]
    for entry in widest:
        while (entry.time, entry.uid) > (end.time, end.uid):
            end = entries[next(ends)]
        if entry.end > end.time - span:
            found.append(entry)
    return found


def continued(
    before: Sequence[Episode], now: Sequence[Group]
) -> tuple[list[tuple[Episode | None, Group]], list[tuple[Episode, bool]]]:
    """Each group with the episode it continues (None: it is new), and the episodes that end: True where they merged.

    An episode goes on where the event of its slot is, else with the first group that holds one of its events. Where
    two go on in one group, the earlier one does.
    """
    if len(before) == len(now) == 1 and any(entry.uid == before[0].slot for entry in now[0].members):
        return [(before[0], now[0])], []  # as nearly always: an alert grows, and keeps the event that it is named after
    taken: dict[int, Episode] = {}
    ended: list[tuple[Episode, bool]] = []
    place = {entry.uid: number for number, group in reversed(list(enumerate(now))) for entry in group.members}
    for episode in sorted(before, key=lambda e: (e.first, e.slot)):
        candidates = [place[uid] for uid in (episode.slot, *episode.members) if uid in place]
        free = next((number for number in candidates if number not in taken), None)
        if free is None:
            ended.append((episode, bool(candidates)))
        else:
            taken[free] = episode
    return [(taken.get(number), group) for number, group in enumerate(now)], ended


def alone(before: Sequence[Episode], now: Sequence[Group]) -> list[tuple[Episode | None, Group]]:
    """Where every alert is of one event: each group with the episode of that event."""
    known = {episode.moment: episode for episode in before}
    return [(known.get(group.moment.uid), group) for group in now]
