"""Real addresses, and the keyed hashes that stand for them in the log.

The key never leaves this installation: without it a hash cannot be turned into an address by guessing.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from almenara.app.keys import kept_key
from almenara.app.secrets import Secret
from almenara.app.settings import Settings

_HASH_BYTES: Final = 16


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
    return kept_key(settings, "audience.key", settings.audience.key, what="the key of address hashes")
