"""What most verbs share: their options, and opening settings, store and output for them. Closed when the verb ends."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from almenara.app.settings import Settings
    from almenara.app.spread import Source
    from almenara.ports.store import Store

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass
class Session:
    """One call of a verb."""

    config_dir: Path
    data_dir: Path | None
    json: bool
    quiet: bool
    service: bool = False
    stack: ExitStack = field(default_factory=ExitStack)

    @functools.cached_property
    def settings(self) -> "Settings":
        """The settings, parsed once; with --data-dir alone no configuration folder is needed."""
        from almenara.app.logs import set_up_logging
        from almenara.app.secrets import Redactor, secrets_in
        from almenara.app.settings import load_settings

        overrides: dict[str, str] = {}
        if self.data_dir:
            overrides["data_dir"] = str(self.data_dir)
            # The folder of a demo or of an embedded run brings its own record, whatever database the settings name.
            record = self.data_dir.absolute() / "almenara.db"
            if record.is_file():
                overrides |= {"mode": "embedded", "storage.database": f"sqlite:///{record}"}
        found = load_settings(self.config_dir, os.environ, overrides, required=self.data_dir is None)
        # A verb that ends says what it has to say itself; only services log at the level of the settings.
        level = found.log.level if self.service else "warning"
        set_up_logging(level, Redactor(secrets_in(found)), sys.stderr)
        return found

    @functools.cached_property
    def store(self) -> "Store":
        """The store that the settings name, opened and at the current schema."""
        from almenara.app.stores import open_store

        store = open_store(self.settings, create=False)
        self.stack.callback(store.close)
        return store

    @functools.cached_property
    def record(self) -> "Source":
        """The record that the settings name, for those who only read it; each process opens it for itself."""
        from almenara.app.spread import Source
        from almenara.app.stores import record_of

        # A record in a file needs no network; one in a database server is reached by it.
        return Source(record_of(self.settings), offline=self.settings.mode == "embedded")

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None] | None]:
        """A bar on standard error, only on a terminal: told how much more was done, and how much there is in all."""
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

            def watch(more: int, whole: int) -> None:
                bar.length = max(1, whole)
                bar.update(more)

            yield watch

    def say(self, text: str = "") -> None:
        """A line for people; nothing with --quiet or --json."""
        if not self.quiet and not self.json:
            click.echo(text)

    def give(self, value: Any) -> None:
        """One object on one line, with --json."""
        if self.json:
            from almenara.ports.wire import plain

            click.echo(json.dumps(plain(value), ensure_ascii=False))


def verb(function: _F) -> _F:
    """Adds --config, --data-dir, --json and --quiet, and gives the function a `Session` as its first argument."""

    @click.option("--config", "config_dir", type=click.Path(path_type=Path), default=None, help="The folder config/.")
    @click.option("--data-dir", type=click.Path(path_type=Path), default=None, help="Where the data lies.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
    @click.option("--quiet", is_flag=True, help="Say only what is wrong.")
    @functools.wraps(function)
    def wrapped(
        *args: Any, config_dir: Path | None, data_dir: Path | None, as_json: bool, quiet: bool, **options: Any
    ) -> Any:
        config = config_dir or Path(os.environ.get("ALMENARA_CONFIG", "config"))
        session = Session(config, data_dir, as_json, quiet)
        with session.stack:
            return function(session, *args, **options)

    return wrapped  # type: ignore[return-value]
