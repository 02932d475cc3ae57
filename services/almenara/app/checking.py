"""Checks of the whole configuration folder: all faults of all its files at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from almenara.app.activation import Checked, check
from almenara.app.audience import LoadedAudience, read_audience
from almenara.app.content import read_content
from almenara.app.settings import Settings, load_settings
from almenara.app.sources import parse_file
from almenara.domain.errors import Fault, Faulty
from almenara.engine.reading.places import documents_by_rule
from almenara.ingest.sources import SourceSpec
from almenara.rules.trial import Trial

_KEY: Final = b"only to check the file: these hashes are thrown away"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the folder holds, as far as it is sound, and every fault."""

    settings: Settings | None
    sources: list[SourceSpec]
    checked: Checked | None
    audience: LoadedAudience | None
    faults: tuple[Fault, ...]


def check_folder(config_dir: Path, environ: Mapping[str, str], overrides: Mapping[str, object]) -> Configuration:
    """Reads everything. Never raises for what the files hold."""
    faults: list[Fault] = []
    settings: Settings | None = None
    try:
        settings = load_settings(config_dir, environ, overrides)
    except Faulty as error:
        faults += error.faults
    sources, wrong = parse_file(config_dir)
    faults += wrong
    # Where the settings are faulty the rest is checked with ones that allow everything.
    used = settings or Settings.model_validate({"mail": {"host": "localhost", "from": "almenara@example.org"}})
    checked = _rules(config_dir, used, faults)
    audience: LoadedAudience | None = None
    try:
        names = checked.ruleset.by_name if checked else None
        audience = read_audience(config_dir, used, environ=environ, rules=names, key=_KEY)
    except Faulty as error:
        faults += error.faults
    return Configuration(settings, sources, checked, audience, tuple(faults))


def _rules(config_dir: Path, settings: Settings, faults: list[Fault]) -> Checked | None:
    lateness = int(settings.time.allowed_lateness.total_seconds())
    try:
        checked = check(read_content(config_dir, allowed_lateness_s=lateness))
    except Faulty as error:
        faults += [placed(fault, config_dir) for fault in error.faults]
        return None
    faults += [fault for _, fault in failures(checked, config_dir)]
    return checked


def failures(checked: Checked, config_dir: Path) -> list[tuple[Trial, Fault]]:
    """Every failed test with its fault, at the line where the test begins."""
    failed = [trial for trial in checked.trials if not trial.passed]
    documents = documents_by_rule(checked.content.files) if failed else {}
    found = []
    for trial in failed:
        document = documents[trial.rule]
        what = f"test '{trial.name}' of {trial.rule} fails: {'; '.join(trial.differences)}"
        fault = document.fault(("almenara", "tests", trial.number - 1), what, "mend the rule or the test")
        found.append((trial, placed(fault, config_dir)))
    return found


def placed(fault: Fault, config_dir: Path) -> Fault:
    """The fault with the folder in front of its file, as those of the other files have it."""
    file = config_dir / fault.file
    return Fault(str(file), fault.line, fault.what, fault.cure, fault.column) if file.exists() else fault
