"""Compiled rulesets kept on disk by what they were made from: parsing Sigma takes two thousandths of a second a rule.

What is kept is a convenience, never the record: whoever proves something (`audit replay`) compiles afresh.
"""

import contextlib
import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from almenara.domain.errors import Faulty
from almenara.engine import expression, rule, ruleset
from almenara.engine.rule import AnyRule
from almenara.engine.ruleset import Content, Ruleset, assemble, build

KEPT: Final = 50
"""How many compiled rulesets a folder holds at most; the oldest go first."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[AnyRule, ...])


class CompiledRulesets:
    """A folder of compiled rulesets. A folder that cannot be used costs time, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ruleset(self, content: Content) -> Ruleset:
        """The ruleset of a content, compiled now or before. Raises Faulty."""
        path = self._folder / f"{hashlib.sha256(_sources() + content.blob()).hexdigest()}.msgpack"
        try:
            return assemble(content, _decoder.decode(path.read_bytes()))
        except (OSError, msgspec.MsgspecError, Faulty):
            made = build(content)
        # a number beyond 64 bits compiles and cannot be written: then nothing is kept
        with contextlib.suppress(OSError, OverflowError, msgspec.MsgspecError):
            self._keep(path, _encoder.encode(made.rules))
        return made

    def _keep(self, path: Path, body: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}")
        half.write_bytes(body)
        half.replace(path)  # readers find all of it or nothing
        by_age = sorted(self._folder.glob("*.msgpack"), key=lambda found: found.stat().st_mtime)
        for old in by_age[:-KEPT]:
            old.unlink(missing_ok=True)


def compiled_beside(data_dir: Path) -> CompiledRulesets:
    """Those of the services that keep their data here."""
    return CompiledRulesets(data_dir / "cache" / "rulesets")


def user_cache() -> Path:
    """Where a person's compiled rulesets are kept: `$XDG_CACHE_HOME/almenara`, else `~/.cache/almenara`."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "almenara" / "rulesets"


@cache
def _sources() -> bytes:
    """A digest of the code that compiles, so that a new release never takes what an old one made."""
    digest = hashlib.sha256()
    reading = Path(ruleset.__file__).with_name("reading")
    for path in (*sorted(reading.glob("*.py")), Path(expression.__file__), Path(rule.__file__)):
        digest.update(path.read_bytes())
    return digest.digest()
