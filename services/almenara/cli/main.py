"""The root of the command line: finds the module of a verb only when it is called, so that --help stays quick.

Translates errors to exit codes: 1 done and something is wrong, 2 bad input, 3 the record differs, 4 unreachable,
5 refused, 130 interrupted.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from almenara import __version__
from almenara.domain.errors import AlmenaraError, Differs, Fenced, Gap, Refused, Unreachable

VERBS: Final[Mapping[str, str]] = {
    "alerts": "list, show, acknowledge, judge, retract and cite alerts",
    "audit": "replay the record and verify it",
    "channels": "try the ways to subscribers",
    "config": "check and show the configuration",
    "deliveries": "what was sent, and what came of it",
    "demo": "the real Peru case in its own time, on this machine alone",
    "doctor": "check everything that a running system needs, each with its cure",
    "events": "add, publish, list, show, correct and withdraw events",
    "explain": "why an alert fired, why an event raised none, why somebody was not told",
    "log": "watch and export the log",
    "migrate": "bring the database schema up to date",
    "rules": "check, test, evaluate, backtest, compare, tune and activate rules",
    "run": "run the services",
    "silences": "hold news of some alerts back for a time",
    "sources": "list, try, import and check sources",
    "status": "one page of health",
    "subscribers": "check, show and activate who is told what",
}

_EXIT: Final[Sequence[tuple[type[AlmenaraError], int]]] = (
    (Differs, 3),
    (Gap, 3),
    (Unreachable, 4),
    (Refused, 5),
    (Fenced, 5),
    (AlmenaraError, 2),
)


class LazyGroup(click.Group):
    """Imports `almenara.cli.<verb>` when the verb is used; its command there is called `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in order."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, imported now."""
        if cmd_name not in VERBS:
            return None
        found: click.Command = importlib.import_module(f"almenara.cli.{cmd_name}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest verb named for one that is mistyped."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=VERBS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with their lines, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="almenara")
def cli() -> None:
    """Almenara: alerts of diplomatic risk that follow from the record.

    Start with `almenara demo`. Every verb has --help; exit codes and files are in docs/cli.md.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Runs the command line and ends the process with its exit code."""
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    try:
        done: Any = cli.main(args=list(args) if args is not None else None, prog_name="almenara", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except AlmenaraError as error:
        click.echo(str(error), err=True)
        return next(code for kind, code in _EXIT if isinstance(error, kind))
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"{error.filename}: {error.strerror} -- check the path and its permissions", err=True)
        return 2
    return done if isinstance(done, int) else 0


if __name__ == "__main__":
    main()
