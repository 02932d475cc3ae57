"""One process over one record of the embedded mode: a lock on its folder, let go however the process ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from almenara.domain.errors import Refused

FILE: Final = "almenara.lock"


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Holds the folder. Raises Refused when another process holds it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / FILE).open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another process runs over {data_dir}; stop it, or name another --data-dir") from None
        yield
