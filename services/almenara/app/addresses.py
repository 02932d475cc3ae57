"""Real addresses, and the keyed hashes that stand for them in the log.

The key never leaves this installation: without it a hash cannot be turned into an address by guessing.
"""

import hashlib
import hmac
import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from almenara.app.secrets import Secret
from almenara.app.settings import Settings
from almenara.domain.errors import Fault, Faulty

KEY_FILE: Final = "audience.key"
_HASH_BYTES: Final = 16

log = logging.getLogger(__name__)


class AddressBook:
    """The real addresses, by subscriber and channel. Shows none of them when printed."""

    def __init__(self, entries: Mapping[tuple[str, str], tuple[str, Secret]]) -> None:
        self._entries = dict(entries)

    def __repr__(self) -> str:
        return f"AddressBook({len(self._entries)} addresses)"

    def lookup(self, subscriber: str, via: str, address_hash: str) -> Secret | None:
        """The address whose hash the log holds; None when there is none, or when it has changed since."""
        known, address = self._entries.get((subscriber, via), ("", None))
        return address if address is not None and hmac.compare_digest(known, address_hash) else None

    def addresses(self) -> tuple[Secret, ...]:
        """Every address, for the redactor of logs."""
        return tuple(address for _, address in self._entries.values())


def address_hash(key: bytes, kind: str, address: Secret) -> str:
    """The keyed hash that stands for an address in the log: 16 bytes of HMAC-SHA256, in hex."""
    text = f"{kind}\0{address.reveal()}".encode()
    return hmac.new(key, text, hashlib.sha256).digest()[:_HASH_BYTES].hex()


def audience_key(settings: Settings) -> bytes:
    """The key of address hashes: the setting `audience.key`, else a random one in the data folder, made once.

    Raises Faulty when the key file cannot be made or read.
    """
    if settings.audience.key:
        return settings.audience.key.reveal().encode()
    file = settings.data_dir / KEY_FILE
    try:
        if not file.exists():
            if settings.mode == "distributed":
                log.warning("audience.key is not set; every machine would make its own %s", file)
            _make_key(file)
        return file.read_bytes()
    except OSError as error:
        what = f"the key of address hashes cannot be kept here ({error.strerror})"
        raise Faulty([Fault(str(file), 0, what, "make the folder writable, or set audience.key")]) from None


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
