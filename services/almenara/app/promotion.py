"""Promotion: a rule that ran in shadow becomes live. Its `status:` is edited, the set checked, tested and activated.

Nothing else in the file changes, to the byte; and where the set is bad or cannot be activated, nothing at all.
"""

import os
import re
import shutil
from codecs import BOM_UTF8
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from almenara.app.activation import Checked, activate_rules, check, require_passed
from almenara.app.active import Active
from almenara.app.yaml_text import offset_of
from almenara.domain.errors import Missing, Refused
from almenara.engine.reading import documents
from almenara.engine.rule import Rule
from almenara.engine.ruleset import Content, build, content_of
from almenara.ports.store import Store

LIVE: Final = "stable"
_STATUS: Final = re.compile(r"""(["']?status["']?\s*:\s*["']?)experimental\b""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion that could be carried out: the rule as it was, the set as it would be, and the file's new bytes.

    `also` are the files of the folder that differ from the active set and would go live with it.
    """

    rule: Rule
    checked: Checked
    path: Path
    body: bytes
    also: tuple[str, ...]


def prepare(store: Store, config_dir: Path, content: Content, name: str) -> Promotion:
    """Makes the change in memory, checks and tests the set. `content` is that of the folder. Writes nothing.

    Raises Missing for no such rule, Refused for one that is not experimental, Faulty for a set that is bad.
    """
    ruleset = build(content)
    rule = ruleset.by_name.get(name)
    if rule is None:
        raise Missing(f"no rule '{name}' in {config_dir / 'rules'}; `almenara rules list` names them")
    if not rule.shadow:
        raise Refused(f"{name} is not experimental ({rule.file}:{rule.line}): only a rule in shadow is promoted")
    text = content.files[rule.file]
    edited = _edited(text, rule)
    checked = check(replace(content, files={**content.files, rule.file: edited}))
    require_passed(checked)
    path = (config_dir / rule.file).resolve()
    before = path.read_bytes()
    mark = BOM_UTF8 if before.startswith(BOM_UTF8) else b""  # no part of the text
    if before != mark + text.encode():
        raise Refused(f"{path} was changed in the meantime; look at it and try again")
    return Promotion(rule, checked, path, mark + edited.encode(), _also(store, content))


def carry_out(store: Store, promotion: Promotion, at: datetime, *, by: str, reason: str) -> bool:
    """Activates the set and puts the edited file in its place. False when the set had been activated already.

    The new file lies ready beside the old one before anything is activated, so that little can fail between the two.
    """
    new = promotion.path.with_name(f".{promotion.path.name}.{os.getpid()}.new")
    try:
        new.write_bytes(promotion.body)
        shutil.copymode(promotion.path, new)
        activated = activate_rules(store, promotion.checked, at, by=by, reason=reason)
        new.replace(promotion.path)
    finally:
        new.unlink(missing_ok=True)
    return activated


def _edited(text: str, rule: Rule) -> str:
    """The text of the rule's file with the one word of its status replaced. Raises Refused where it is not plain."""
    document = next(one for one in documents.read(text, rule.file)[0] if one.line("title") == rule.line)
    line, column = document.places.get(("status",), (0, 0))
    found = _STATUS.match(text, offset_of(text, line, column)) if line else None
    if found is None:
        raise Refused(f"{rule.file}:{line or rule.line}: the status is not written plainly; write `status: {LIVE}`")
    return text[: found.start()] + found[1] + LIVE + text[found.end() :]


def _also(store: Store, content: Content) -> tuple[str, ...]:
    digest = Active(store).refresh().ruleset
    active = content_of(store.get(digest)).files if digest else {}
    names = sorted({*active, *content.files}) if digest else ()
    return tuple(name for name in names if active.get(name) != content.files.get(name))
