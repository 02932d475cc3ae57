"""What Sigma allows and has no meaning, or two, is refused where it stands, with the way to say it."""

from typing import Any

import pytest

from almenara.domain.errors import Faulty
from sigma_rules import refused, ruleset


@pytest.mark.parametrize(
    ("detection", "said"),
    [
        ({"f|soundslike": "a"}, "Unknown modifier 'soundslike'"),
        ({"f|contain": "a"}, "did you mean 'contains'?"),
        ({"f|": "a"}, "Unknown modifier ''"),
        ({"f|contains": 5}, "quote it: '5'"),
        ({"f|contains": None}, "|contains needs a text, not null"),
        ({"f|contains|all": ["a", True]}, "quote it: 'true'"),
        ({"f|startswith|endswith": "a"}, "write |contains, or two keys"),
        ({"f|re": "("}, "is invalid"),
        ({"f|re": "a(?=b)"}, "no look-around"),
        ({"f|re": 5}, "quote it"),
        ({"f|re|cased": "a"}, "|cased does not go with |re"),
        ({"f|re|base64": "a"}, "|base64 does not go with |re"),
        ({"f|windash|re": "a"}, "|windash does not go with |re"),
        ({"f|re|expand": "%contacts%"}, "does not go with"),
        ({"f|i": "a"}, "write |re|i"),
        ({"f|cidr": "10.0.0.1/8"}, "write 10.0.0.0/8"),
        ({"f|cidr": "10.*"}, "for example 10.0.0.0/8"),
        ({"f|cidr|contains": "10.0.0.0/8"}, "write |cidr alone"),
        ({"f|gt": "5"}, "write a number, without quotes"),
        ({"f|gt": True}, "|gt needs a number"),
        ({"f|gt|lt": 5}, "for a range write two keys"),
        ({"f|gt|contains": 5}, "does not go with |gt"),
        ({"f|exists": "yes"}, "needs true or false"),
        ({"f|exists|contains": True}, "write |exists alone"),
        ({"|exists": True}, "|exists has no field"),
        ({"f|hour": 24}, "a whole number from 0 to 23"),
        ({"f|hour": 7.5}, "a whole number from 0 to 23"),
        ({"f|hour": "7"}, "without quotes"),
        ({"f|hour|minute": 7}, "does not go with"),
        ({"f|fieldref": "g*"}, "without wildcards"),
        ({"f|fieldref|re": "g"}, "does not go with"),
        ({"f|expand": "Mr %contacts%"}, "a list is compared as a whole"),
        ({"f|expand": "%contacts%%contacts%"}, "write '%name%' alone"),
        ({"f|expand|contains": "%contacts%"}, "write |expand alone"),
        ({"f|expand|cased": "%contacts%"}, "without case"),
        ({"f|expand": "%contact%"}, "did you mean 'contacts'?"),
        ({"f|base64": "a*"}, "write no wildcards"),
        ({"f|wide|contains": "a"}, "|base64offset|contains behind it"),
        ({"f|base64|utf16": "a"}, "|base64offset|contains behind it"),
        ({"f|contains|base64": "a"}, "behind it"),
        ({"f|base64offset|contains": ""}, "stands in every text"),
        ({"f|windash": "-a -b -c -d"}, "split the text"),
        ({"f": {"g": 1}}, "field.inner"),
        ({"f": [["a"]]}, "field.inner"),
        ({"f": []}, "an empty list holds never"),
        ({}, "an empty selection"),
        ([], "an empty list holds never"),
        ([None], "a keyword cannot be null"),
        ([True], "quote it"),
        ([""], "stands in every event"),
        ({"|fieldref": "g"}, "|fieldref has no field"),
        ({"|cidr": "10.0.0.0/8"}, "name a field"),
        ({"|gt": 5}, "name a field"),
        ({"|expand": "%contacts%"}, "name a field"),
    ],
    ids=str,
)
def test_a_field_that_cannot_be_meant(detection: Any, said: str) -> None:
    assert said in refused(detection)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sel and missing", "'missing', which is no item of the detection -- items: sel"),
        ("sell", "did you mean 'sel'?"),
        ("them", "'them', which is no item"),
        ("1 of x*", "'x*', which is no item"),
        ("sel and", "end of text at its character 8 is unexpected"),
        ("(sel", "check brackets"),
        ("sel sel", "'sel' at its character 5 is unexpected"),
        ("sel AND sel", "write and in small letters"),
        ("2 of sel*", "'of' at its character 3"),
        ("1 of se-*", "rename selections with a hyphen"),
        ("sel | count() > 5", "type: event_count"),
        ("(" * 51 + "sel" + ")" * 51, "nested too deep"),
        ("not " * 5_000 + "sel", "nested too deep"),
        ("", "cannot be read"),
        (None, "detection has no condition"),
        (5, "a condition must be one text"),
        ([], "a condition must be one text"),
        ([["sel"]], "a condition must be one text"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_condition_that_cannot_be_meant(text: Any, said: str) -> None:
    assert said in refused({"sel": {"f": 1}, "condition": text})


def test_a_timeframe_belongs_to_a_correlation() -> None:
    assert "write a correlation" in refused({"sel": {"f": 1}, "timeframe": "5m", "condition": "sel"})


def test_all_faults_of_a_detection_are_told_each_at_its_place() -> None:
    detection = {
        "sel": {"f|re": "(", "g": ["a", {}, "b", []]},
        "t": [{"h|gt": "x"}],
        "condition": ["sel or u", "t and"],
    }
    with pytest.raises(Faulty) as caught:
        ruleset(detection)
    assert len(caught.value.faults) == 6
    assert len({fault.column for fault in caught.value.faults}) == 6
