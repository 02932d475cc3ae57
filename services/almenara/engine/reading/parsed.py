"""One rule document that was read: what pySigma made of it, our own map, and what every rule takes from both."""

from dataclasses import dataclass
from typing import Any

from almenara.domain.alert import LEVELS
from almenara.engine.expression import Node
from almenara.engine.reading import documents, sigma
from almenara.engine.reading.extension import Extension


@dataclass(slots=True)
class Parsed:
    """One document that was read, with our own map; a rule over one event has an expression, a correlation has none.

    `broken` are the parts of a correlation whose faults are told: what stands in their place means nothing.
    """

    document: documents.Document
    rule: sigma.Parsed
    extension: Extension
    expression: Node | None = None
    broken: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The name, else the id, else the title."""
        return str(self.rule.name or self.rule.id or self.rule.title)


def common(one: Parsed) -> dict[str, Any]:
    """The fields that every compiled rule takes from its document."""
    rule, extension = one.rule, one.extension
    status = rule.status.name.lower() if rule.status else ""
    level = rule.level.name.lower() if rule.level else "medium"
    return {
        "name": one.name,
        "title": str(rule.title),
        "level": level if level in LEVELS else "medium",
        "version": extension.version,
        "shadow": status == "experimental",
        "tags": extension.tags,
        "owner": extension.owner,
        "say": extension.say,
        "say_unchecked": extension.say_unchecked,
        "tests": extension.tests,
        "one_per": extension.one_per,
        "file": one.document.file,
        "line": one.document.line("title"),
    }
