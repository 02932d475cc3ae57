"""Warnings about watchlists: those that nobody uses, those without entries, entries past their review or their time."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from almenara.domain.errors import Fault
from almenara.engine.expression import And, Field, Listed, Node, Not, Or
from almenara.engine.matching.condition import lists_in
from almenara.engine.rule import Correlation, Rule, SingleRule
from almenara.engine.ruleset import Content, Ruleset
from almenara.rules.warned import Kind, Warned

_NAMED: Final = re.compile(r"\{[\w.]+\.(?:id|name)\}")


def list_warnings(content: Content, ruleset: Ruleset, today: date) -> Iterator[Warned]:
    """Every warning about the lists; `today` is a day in UTC."""
    expressions = [rule.expression for rule in ruleset.rules if isinstance(rule, SingleRule)]
    expanded = frozenset().union(*(lists_in(expression) for expression in expressions))
    ids = any(_reads_ids(rule) for rule in ruleset.rules)
    for name, listed in sorted(ruleset.lists.items()):
        file = f"watchlists/{name}.csv"
        if not listed.entries:
            cure = "add entries, or remove the file"
            yield Warned(Kind.EMPTY_LIST, Fault(file, 1, f"the watchlist {name} has no entries", cure))
        elif name not in expanded and not ids:
            what = f"no rule looks into the watchlist {name}, and none needs the ids that it gives to names"
            yield Warned(
                Kind.UNUSED_LIST, Fault(file, 1, what, f"use it (field|expand: '%{name}%') or remove the file")
            )
        yield from _dates(content.files[file], file, today.isoformat())


def _dates(text: str, file: str, today: str) -> Iterator[Warned]:
    reader = csv.DictReader(io.StringIO(text, newline=None))
    for row in reader:
        who, due, end = (f"{row['id']} ({row['name']})", row.get("review_by") or "", row.get("valid_to") or "")
        if end.strip() and end.strip() < today:
            what = f"{who} is valid up to {end.strip()} and matches nothing later"
            yield Warned(
                Kind.EXPIRED, Fault(file, reader.line_num, what, "extend valid_to, or leave it for old events")
            )
        elif due.strip() and due.strip() < today:
            what = f"the review of {who} was due on {due.strip()}"
            yield Warned(Kind.REVIEW_DUE, Fault(file, reader.line_num, what, "look at it again and set review_by anew"))


def _reads_ids(rule: Rule) -> bool:
    """Whether the rule relies on ids that the enricher writes beside names, for any list at all."""
    if any(_NAMED.search(text) for say in (rule.say, rule.say_unchecked) for text in say.values()):
        return True
    if isinstance(rule, SingleRule):
        return any(path.endswith(".id") for path in _free_paths(rule.expression))
    if isinstance(rule, Correlation):
        fields = (*rule.group_by, *(path for alias in rule.aliases.values() for path in alias.values()))
        return any(path.endswith(".id") and not path.startswith("ce.") for path in fields)
    return False


def _free_paths(node: Node) -> Iterator[str]:
    """Every field that is compared with something else than a watchlist."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _free_paths(part)
    elif isinstance(node, Not):
        yield from _free_paths(node.part)
    elif isinstance(node, Field) and not isinstance(node.test, Listed) and not node.path.startswith("ce."):
        yield node.path
