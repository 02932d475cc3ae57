"""Writes the shipped schemas (docs/schemas), or with --check says which of them are out of date.

    python -m almenara.cli.schemas [--check] [FOLDER]

Knows files; what stands in them is made in `ports.schemas`.
"""

import json
import sys
from pathlib import Path
from typing import Final

import click

from almenara.ports.schemas import asyncapi, schemas

FOLDER: Final = Path("docs/schemas")


def files() -> dict[str, str]:
    """The text of every file by its name."""
    documents = {**schemas(), "asyncapi": asyncapi()}
    return {f"{name}.json": json.dumps(documents[name], indent=2, ensure_ascii=False) + "\n" for name in documents}


def stale(folder: Path) -> list[str]:
    """The names of files that are missing, differ, or should not be there."""
    wanted = files()
    found = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write(folder: Path) -> list[str]:
    """Makes the folder say what the code says; gives the names of the files that changed."""
    changed, wanted = stale(folder), files()
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], "utf-8")
        else:
            (folder / name).unlink()
    return changed


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file is out of date.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
def main(check: bool, folder: Path) -> None:
    """Writes the JSON Schemas of all records and the AsyncAPI document, made from the code."""
    if not check:
        changed = write(folder)
        print(f"{folder}: {len(changed)} of {len(files())} files written")
        return
    names = stale(folder)
    for name in names:
        print(f"{folder / name} is out of date; run `make schemas` and commit it", file=sys.stderr)
    sys.exit(1 if names else 0)


if __name__ == "__main__":
    main()
