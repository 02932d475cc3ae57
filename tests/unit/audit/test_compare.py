"""The comparison of two folds: what counts as gained, lost, changed; more, less, moved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from almenara.audit.compare import Compared, Found, Moved, Range, Side, Told, compare
from almenara.domain.alert import Alert, AlertChanged, Change, Reason, State

T0 = datetime(2030, 1, 1, tzinfo=UTC)
H = timedelta(hours=1)


def alert(uid: str, hour: int = 0, **more: object) -> Alert:
    made = Alert(
        uid=uid, cite=uid.upper(), rule="r", rule_version=1, level="high", country="PER", countries={"key": ("PER",)},
        key={}, state=State.OPEN, title={"en": "T", "es": "T"}, raised_at=T0 + hour * H, updated_at=T0 + hour * H,
        events=(),
    )  # fmt: skip
    return replace(made, **more)


def change(of: Alert, hour: int, what: Change = Change.RAISED) -> AlertChanged:
    return AlertChanged(
        id=f"{of.uid}/{hour}", change=what, reason=Reason.DETECTED, at=T0 + hour * H, cause="", alert=of
    )


def message(uid: str, hour: int, *, who: str = "ana", what: Change = Change.RAISED, decided: int | None = None) -> Told:
    at = T0 + (hour if decided is None else decided) * H
    return Told(subscriber=who, channel="mail", via="mail", at=T0 + hour * H, decided=at, alert=uid, cite=uid,
                change=what)  # fmt: skip


def ways(compared: Compared) -> list[tuple[Moved, str, datetime]]:
    return [(one.moved, one.told.alert, one.told.at) for one in compared.messages]


def test_gained_lost_and_changed() -> None:
    before = Side([change(alert("a"), 0), change(alert("b"), 0), change(alert("c"), 0)])
    after = Side([change(alert("b", level="low"), 0), change(alert("c"), 0), change(alert("d"), 0)])
    found = {one.alert.uid: one for one in compare(before, after, Range()).alerts}
    assert {uid: one.found for uid, one in found.items()} == {
        "a": Found.LOST,
        "b": Found.CHANGED,
        "d": Found.GAINED,
    }
    assert [(d.field, d.before, d.after) for d in found["b"].differing] == [("level", "high", "low")]


def test_a_new_version_of_the_rule_and_another_ruleset_are_no_difference() -> None:
    before, after = Side([change(alert("a"), 0)]), Side([change(alert("a", rule_version=2, ruleset="x"), 0)])
    assert compare(before, after, Range()).alerts == ()


def test_an_alert_that_goes_another_way_to_the_same_end_is_changed() -> None:
    before = Side([change(alert("a"), 0)])
    after = Side([change(alert("a"), 0), change(alert("a"), 5, Change.UPDATED)])
    [one] = compare(before, after, Range()).alerts
    assert (one.found, [d.field for d in one.differing]) == (Found.CHANGED, ["life"])


def test_only_what_changed_in_the_range_counts_and_it_is_seen_as_it_stood_at_its_end() -> None:
    before = Side([change(alert("a"), 0)])
    after = Side([change(alert("a"), 0), change(alert("a", 0, level="low"), 5, Change.UPDATED), change(alert("b"), 9)])
    assert compare(before, after, Range(T0 + 1 * H, T0 + 5 * H)).alerts == ()
    [one] = compare(before, after, Range(T0 + 1 * H, T0 + 6 * H)).alerts
    assert (one.found, one.alert.level) == (Found.CHANGED, "low")
    [one] = compare(before, after, Range(T0 + 6 * H, None)).alerts
    assert (one.found, one.alert.uid) == (Found.GAINED, "b")


def test_an_alert_that_was_raised_before_the_range_on_one_side_is_changed_not_gained() -> None:
    before, after = Side([change(alert("a"), 0)]), Side([change(alert("a", 3), 3)])
    [one] = compare(before, after, Range(T0 + 1 * H, None)).alerts
    assert (one.found, [d.field for d in one.differing]) == (Found.CHANGED, ["raised_at", "life"])


def test_messages_of_the_same_are_moved_and_others_more_or_less() -> None:
    before = Side(told=[message("a", 1), message("b", 1), message("c", 2)])
    after = Side(told=[message("a", 4), message("c", 2), message("d", 3)])
    compared = compare(before, after, Range())
    assert ways(compared) == [
        (Moved.LESS, "b", T0 + 1 * H),
        (Moved.MORE, "d", T0 + 3 * H),
        (Moved.MOVED, "a", T0 + 4 * H),
    ]
    assert compared.messages[2].before == T0 + 1 * H
    assert compared.messages_by_channel() == {
        Moved.MORE: {"mail": 1},
        Moved.LESS: {"mail": 1},
        Moved.MOVED: {"mail": 1},
    }


def test_one_more_update_between_others_moves_none_of_them() -> None:
    updates = [message("a", hour, what=Change.UPDATED) for hour in (1, 5, 9)]
    compared = compare(Side(told=[updates[0], updates[2]]), Side(told=updates), Range())
    assert ways(compared) == [(Moved.MORE, "a", T0 + 5 * H)]


def test_a_message_counts_by_when_its_change_happened_not_by_when_it_is_due() -> None:
    held_back = Side(told=[message("a", 20, decided=1)])
    assert len(compare(Side(), held_back, Range(None, T0 + 2 * H)).messages) == 1
    assert compare(Side(), held_back, Range(T0 + 2 * H, None)).messages == ()


SIDES = st.builds(
    Side,
    st.lists(
        st.builds(
            lambda uid, hour, level: change(alert(uid, hour, level=level), hour),
            st.sampled_from("abcd"), st.integers(0, 5), st.sampled_from(["low", "high"]),
        ),
        max_size=8,
    ),
    st.lists(
        st.builds(message, st.sampled_from("ab"), st.integers(0, 3), who=st.sampled_from(["ana", "ben"])), max_size=8
    ),
)  # fmt: skip


@given(SIDES)
def test_nothing_differs_from_itself(side: Side) -> None:
    compared = compare(side, side, Range())
    assert (compared.alerts, compared.messages) == ((), ())


@given(SIDES, SIDES)
def test_the_other_way_round_everything_is_the_other_way_round(one: Side, other: Side) -> None:
    there, back = compare(one, other, Range()), compare(other, one, Range())
    turned = {Found.GAINED: Found.LOST, Found.LOST: Found.GAINED, Found.CHANGED: Found.CHANGED}
    assert {(a.alert.uid, turned[a.found]) for a in there.alerts} == {(a.alert.uid, a.found) for a in back.alerts}
    counts = [len([m for m in side.messages if m.moved == way]) for side, way in (
        (there, Moved.MORE), (back, Moved.LESS), (there, Moved.LESS), (back, Moved.MORE), (there, Moved.MOVED),
        (back, Moved.MOVED))]  # fmt: skip
    assert counts[0::2] == counts[1::2]
    assert len(other.told) - len(one.told) == counts[0] - counts[2]
