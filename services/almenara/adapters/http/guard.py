"""Which addresses may be reached: public ones only, so that nobody can make us read or call the inside of a house.

`ipaddress.is_global` alone lets through addresses that carry another one inside (NAT64, 6to4, Teredo, site-local).
"""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

from almenara.domain.errors import Rejected, Unreachable

PRIVATE_ADDRESS: Final = "private_address"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_REFUSED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local use
        "2002::/16",  # 6to4
        "2001::/32",  # Teredo
        "fec0::/10",  # site-local, deprecated
        "::/96",  # IPv4-compatible, deprecated
        "192.88.99.0/24",  # 6to4 relays
    )
)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could mean this address: no private, local, shared or translated one."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if any(address.version == network.version and address in network for network in _REFUSED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolve(host: str, port: int, *, allow_loopback: bool = False, allowed: Sequence[Network] = ()) -> list[str]:
    """The addresses of a host, in the system's order; every one of them must be public, or in an `allowed` network.

    Raises Rejected (`private_address`) when one is not, and Unreachable when the name is not known.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (socket.gaierror, UnicodeError, OSError) as error:
        raise Unreachable(f"the name {host} cannot be resolved ({type(error).__name__})") from error
    addresses = list(dict.fromkeys(str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found))
    for text in addresses:
        address = ipaddress.ip_address(text)
        known = any(address.version == network.version and address in network for network in allowed)
        if not (known or is_public(address) or (allow_loopback and address.is_loopback)):
            raise Rejected(PRIVATE_ADDRESS, f"{host} is at {text}, which is no public address; not reached")
    if not addresses:
        raise Unreachable(f"the name {host} has no address")
    return addresses
