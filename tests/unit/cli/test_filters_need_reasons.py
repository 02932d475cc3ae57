"""A filter of the configuration decides what people do not hear: it says who answers for it, and why."""

from cli_calls import Calls

FILTER = """title: Our own host
logsource: {product: almenara}
filter:
  rules: any
  selection: {official.id: o-1}
  condition: selection
"""


def test_rules_check_asks_for_owner_and_reason(almenara: Calls) -> None:
    file = almenara.config / "rules" / "exceptions.yml"
    file.write_text(FILTER)
    found = almenara("rules", "check")
    assert found.code == 2
    (said,) = [line for line in found.err.splitlines() if "Our own host" in line]
    assert said.startswith(f"{file}:1: ")
    assert "neither owner nor reason" in said
    file.write_text(FILTER + "almenara: {owner: desk-lima, reason: He is our own host.}\n")
    assert almenara("rules", "check").code == 0
