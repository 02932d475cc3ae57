"""Keys of this installation: from the settings, else random ones that are made once and kept in the data folder."""

import logging
import os
import secrets
from pathlib import Path

from almenara.app.secrets import Secret
from almenara.app.settings import Settings
from almenara.domain.errors import Fault, Faulty

log = logging.getLogger(__name__)


def kept_key(settings: Settings, name: str, given: Secret, *, what: str) -> bytes:
    """The key `given` by the setting `name`, else a random one in the file of that name in the data folder.

    Raises Faulty, saying `what` it is, when the file cannot be made or read.
    """
    if given:
        return given.reveal().encode()
    file = settings.data_dir / name
    try:
        if not file.exists():
            if settings.mode == "distributed":
                log.warning("%s is not set; every machine would make its own %s", name, file)
            _make_key(file)
        return file.read_bytes()
    except OSError as error:
        wrong = f"{what} cannot be kept here ({error.strerror})"
        raise Faulty([Fault(str(file), 0, wrong, f"make the folder writable, or set {name}")]) from None


def _make_key(file: Path) -> None:
    # Written aside and linked: two processes that start together end with one key, and never with half of one.
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_hex(32))
            opened.flush()
            os.fsync(opened.fileno())
        try:
            os.link(aside, file)
        except FileExistsError:
            log.debug("another process made %s first", file)
    finally:
        aside.unlink(missing_ok=True)
