"""`one_per`: further reports join the open alert; what leaves, closes or comes again does not disturb the others."""

from almenara.domain.event import Event
from almenara.engine.engine import Engine, dump, load
from made_up_life import checked, corrected, entry, meeting, tick, withdrawn

Said = list[tuple[str, str, str, list[str]]]


def run(engine: Engine, *events: Event) -> Said:
    found = [d for one in events for d in engine.apply(one).detections]
    return [(str(d.what), str(d.reason), d.slot, [e.id for e in d.events]) for d in found]


def engine(*, keys: str = "[k, who]", apart: bool = False) -> Engine:
    return Engine(checked(keys=keys, coverage="[]").ruleset, apart=apart)


def test_a_report_with_another_key_joins_by_the_keys_of_one_per() -> None:
    found = engine(keys="[k]")
    run(found, meeting("a", 0, who="y"), meeting("b", 1, who="z"))
    said = found.apply(tick(100)).detections
    assert [(str(d.what), d.slot, d.key["who"]) for d in said] == [("raised", "a", "y"), ("updated", "a", "y")]


def test_a_report_with_two_keys_is_one_source() -> None:
    found = engine(keys="[k]")
    assert run(found, meeting("a", 0, who=["y", "z"]), tick(100)) == [("raised", "detected", "a", ["a"])]  # type: ignore[arg-type]
    assert run(found, withdrawn("a", 101)) == [("retracted", "source_withdrawn", "a", ["a"])]


def test_a_corrected_report_that_no_longer_holds_leaves_the_others() -> None:
    found = engine()
    a, b = meeting("a", 0), meeting("b", 1)
    assert len(run(found, a, b, tick(100))) == 2
    assert run(found, corrected(a, 101, who="z"))[0] == ("updated", "source_corrected", "a", ["b"])


def test_a_withdrawn_report_does_not_open_a_closed_alert() -> None:
    found = engine()
    a, b = meeting("a", 0), meeting("b", 20)
    said = run(found, a, b, tick(100), entry("e", 1, known=101))
    assert [what for what, _, _, _ in said] == ["raised", "updated", "resolved"]
    assert run(found, withdrawn("b", 102)) == []


def test_a_report_that_left_and_comes_again_is_the_same_after_a_restart() -> None:
    a, b = meeting("a", 0), meeting("b", 1)
    before = [a, b, tick(100), withdrawn("b", 101), withdrawn("a", 102)]
    plain, other = engine(), engine()
    run(plain, *before)
    run(other, *before)
    restarted = Engine(other.ruleset, load(dump(other.state)))
    again = corrected(b, 103)
    assert run(plain, again) == run(restarted, again)


def test_countries_of_one_partition_do_not_join() -> None:
    found = engine(apart=True)
    run(found, meeting("a@PER", 0), meeting("a@COL", 0, country="COL"))
    assert [slot for _, _, slot, _ in run(found, tick(100))] == ["a@COL", "a@PER"]
