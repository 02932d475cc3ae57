"""`almenara rules diff`: what changed between two rulesets, in words, and whose state is kept."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.rules.difference import Difference


@click.command()
@click.argument("before", metavar="A", default="active")
@click.argument("after", metavar="B", required=False)
@verb
def diff(session: Session, before: str, after: str | None) -> int:
    """What changed from ruleset A to ruleset B.

    Each is a folder, `active`, or the hash of a ruleset of the record (its first 6 or more letters). Not given,
    A is `active` and B the folder of --config.
    """
    from almenara.app.rule_sets import RuleSets
    from almenara.rules.difference import difference
    from almenara.rules.difference_text import in_words

    lateness = int(session.settings.time.allowed_lateness.total_seconds())
    sets = RuleSets(lambda: session.store, session.config_dir, allowed_lateness_s=lateness)
    (old, one), (new, other) = sets.side(before), sets.side(after or str(session.config_dir))
    found = difference(one, other)
    session.give(_as_json(old, new, found))
    session.say(f"{old[:12]} → {new[:12]}")
    for line in in_words(found):
        session.say(line)
    return 0


def _as_json(old: str, new: str, found: "Difference") -> dict[str, Any]:
    return {
        "a": old,
        "b": new,
        "same": not found,
        "rules": [asdict(change) for change in found.rules],
        "unchanged": list(found.kept),
        "filters": [asdict(change) for change in found.filters],
        "watchlists": [asdict(change) for change in found.watchlists],
        "lexicons": [asdict(change) for change in found.lexicons],
        "tables": [asdict(change) for change in found.tables],
        "allowed_lateness_s": list(found.lateness_s) or None,
    }
