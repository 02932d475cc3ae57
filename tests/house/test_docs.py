"""The documents are in step with the code: what can be typed, set, published or given as a reason is explained.

A name counts as explained where it stands in backquotes in a file of docs/.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from almenara.app.environment import settings_of
from almenara.app.settings import Settings
from almenara.cli.main import cli
from almenara.console.links import Action, Refusal
from almenara.domain.alert import Reason
from almenara.domain.event import EVENT_TYPES
from almenara.domain.notice import DeliveryState, Dropped, Held, NotSent, Told

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
UNREAD = {".git", ".venv", "data", "node_modules", "dist", "var"}

_QUOTED = re.compile(r"`{1,2}([^`\n]+)`{1,2}")
_FENCED = re.compile(r"^( {0,3})(`{3,}|~{3,}).*?^ {0,3}\2", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


@cache
def explained() -> frozenset[str]:
    """Everything in backquotes in docs/, and every word of the fenced examples that begin a line with `almenara`."""
    found: set[str] = set()
    for path in DOCS.rglob("*.md"):
        text = path.read_text("utf-8")
        found.update(quoted.strip() for quoted in _QUOTED.findall(_FENCED.sub("", text)))
    return frozenset(found)


def verbs(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command that can be typed, such as `rules check`, the lazily loaded ones too."""
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is not None and not below.hidden:
            yield from verbs(below, (*path, name))


def told(name: str) -> bool:
    """Whether the name is explained: by itself, or at the start of a quoted use of it (`almenara run rules`)."""
    forms = (name, f"almenara {name}")
    return any(quoted == form or quoted.startswith(f"{form} ") for quoted in explained() for form in forms)


def test_every_verb_is_explained() -> None:
    assert [verb for verb in verbs(cli) if not told(verb)] == []


def test_every_setting_is_explained() -> None:
    assert [setting.path for setting in settings_of(Settings) if setting.path not in explained()] == []


def test_every_event_type_is_explained() -> None:
    assert [name for name in EVENT_TYPES if name not in explained()] == []


@pytest.mark.parametrize("names", [Reason, NotSent, Told, Held, Dropped, DeliveryState, Action, Refusal])
def test_every_reason_is_explained(names: type[StrEnum]) -> None:
    assert [name.value for name in names if name.value not in explained()] == []


def documents() -> list[Path]:
    return [
        path
        for path in sorted(ROOT.rglob("*.md"))
        if not UNREAD & set(path.relative_to(ROOT).parts) and not any(part.startswith(".") for part in path.parts[1:])
    ]


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as code hosts make them."""
    headings = _HEADING.findall(_FENCED.sub("", path.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-") for heading in headings}


def test_every_link_inside_the_project_leads_somewhere() -> None:
    broken = []
    for path in documents():
        for target in _LINK.findall(_FENCED.sub("", path.read_text("utf-8"))):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, anchor = unquote(target).partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        (str(path.relative_to(ROOT)), target)
        for path in documents()
        for target in re.findall(r"(?:`|^ *)make ([a-z]+)\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert sorted((path, target) for path, target in named if target not in targets) == []
