"""Every shipped rule passes its own tests, has some, and speaks both languages."""

import pytest

from almenara.engine.rule import Rule
from almenara.rules.trial import Trial
from case_run import shipped

ALERTING = [rule for rule in shipped().ruleset.rules if rule.alerts]


@pytest.mark.parametrize("trial", shipped().trials, ids=lambda trial: f"{trial.rule}: {trial.name}")
def test_its_own_test(trial: Trial) -> None:
    assert trial.differences == ()


@pytest.mark.parametrize("rule", ALERTING, ids=lambda rule: rule.name)
def test_a_rule_that_alerts_is_whole(rule: Rule) -> None:
    tested = {trial.rule for trial in shipped().trials}
    assert rule.name in tested
    assert set(rule.say) == {"en", "es"}
    assert rule.owner
    assert rule.tags


def test_no_name_stands_for_two_ids() -> None:
    assert shipped().ruleset.enricher.ambiguous == {}
