"""`almenara audit`: fold the record again and compare; verify the chain of every partition. Reads only."""

import json
from pathlib import Path

import click

from almenara.cli.session import Session, verb


@click.group()
def command() -> None:
    """Audit: prove that each alert followed from the record."""


@command.command()
@click.option("--partition", type=int, help="One partition; default all.")
@click.option("--after", type=int, default=0, help="Compare only what came after this sequence.")
@click.option("--upto", type=int, default=0, help="Compare only up to this sequence.")
@click.option("--jobs", type=click.IntRange(1), help="How many processes; default as many as are useful.")
@verb
def replay(session: Session, partition: int | None, after: int, upto: int, jobs: int | None) -> int:
    """Folds `events` again, with no way to send, and compares with `alerts`. Exit 3 at the first difference."""
    from almenara.app.replay import replay_record
    from almenara.domain.errors import Differs

    with session.progress("folding") as watch:
        results = replay_record(
            session.record, partition=partition, after=after, upto=upto, jobs=jobs or 0, watch=watch
        )
    compared = sum(result.changes for result in results)
    first = next((result.difference for result in results if result.difference), None)
    session.give(
        {"identical": first is None, "events": sum(r.taken for r in results), "compared": compared,
         "difference": str(first) if first else None, "older": [r.older for r in results if r.older]}
    )  # fmt: skip
    if first:
        raise Differs(str(first))
    for result in results:
        if result.older:
            session.say(result.older)
    session.say(f"identical {compared}/{compared}: {sum(r.taken for r in results)} events folded again")
    return 0


def _heads(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"cannot be read: {error}", param_hint="--checkpoints") from None
    if not isinstance(found, dict) or not all(isinstance(head, str) for head in found.values()):
        cure = "holds no heads; `almenara audit checkpoint` writes them"
        raise click.BadParameter(f"{file} {cure}", param_hint="--checkpoints")
    return found


@command.command()
@click.option("--checkpoints", type=click.Path(exists=True, path_type=Path), help="Heads that were kept elsewhere.")
@verb
def verify(session: Session, checkpoints: Path | None) -> int:
    """Computes every chain again. Exit 3 names the first record that was altered, lost or cut off."""
    from almenara.app.replay import verify_log
    from almenara.domain.errors import Differs

    known = _heads(checkpoints) if checkpoints else {}
    found = verify_log(session.store, known)
    session.give(
        {"ok": not found.fault, "records": found.records, "heads": dict(found.heads), "fault": found.fault or None}
    )
    if found.fault:
        raise Differs(found.fault)
    kept = f", {len(known)} checkpoints match" if known else ""
    session.say(f"{found.records:,} records, no gap, every chain holds{kept}")
    return 0


@command.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Keep it elsewhere.")
@verb
def checkpoint(session: Session, output: Path) -> int:
    """Writes the head of every chain to a file, to be kept where the log is not."""
    from almenara.app.replay import verify_log
    from almenara.domain.errors import Differs

    found = verify_log(session.store)
    if found.fault:
        raise Differs(found.fault)
    try:
        output.write_text(json.dumps(dict(found.heads), indent=1) + "\n", "utf-8")
    except OSError as error:
        raise click.BadParameter(f"cannot be written: {error.strerror}", param_hint="--output") from None
    session.give({"heads": len(found.heads), "file": str(output)})
    session.say(f"{len(found.heads)} heads written to {output}")
    return 0
