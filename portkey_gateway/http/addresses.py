"""Where media may be fetched from: nowhere inside a network, except where the program allows it. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

_Address: TypeAlias = IPv4Address | IPv6Address

# Public by their numbers, yet answered by the machine's own cloud: Azure's platform (its documentation, "What is IP
# address 168.63.129.16?") and Oracle's metadata of classic instances.
_INNER: Final = frozenset({IPv4Address("168.63.129.16"), IPv4Address("192.0.0.192")})
# IPv6 addresses that stand for an IPv4 one, which ends them: RFC 6052 (NAT64) and RFC 4291, 2.5.5.1.
_ENDING_IN_IPV4: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be fetched from although it is private."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def takes_host(self, host: str) -> bool:
        """Whether a host is allowed by its name, whatever it resolves to."""
        return host.lower().rstrip(".") in self.hosts

    def takes_address(self, text: str) -> bool:
        """Whether an address is a public one, or in an allowed network.

        Args:
            text: as the resolver gives it, perhaps with the zone of a link (``fe80::1%eth0``).
        """
        address = _plain(ip_address(text.partition("%")[0]))
        return _is_public(address) or any(address in network for network in self.networks)


@functools.lru_cache(maxsize=64)
def read_allowed(entries: tuple[str, ...]) -> Allowed:
    """Read host names, addresses and networks (``"10.0.0.0/8"``).

    Raises:
        ValueError: if an entry is none of these.
    """
    hosts: set[str] = set()
    networks: list[IPv4Network | IPv6Network] = []
    for entry in entries:
        text = entry.strip().lower().rstrip(".")
        try:
            networks.append(ip_network(text.strip("[]"), strict=False))
        except ValueError:
            if not text or not all(character.isalnum() or character in "-._" for character in text):
                raise ValueError(
                    f"inline_from takes host names, addresses and networks, such as 'images.internal' or "
                    f"'10.0.0.0/8'; got {entry[:60]!r}"
                ) from None
            hosts.add(text)
    return Allowed(frozenset(hosts), tuple(networks))


def find_refused(host: str, addresses: Iterable[str], allowed: Allowed) -> str | None:
    """The first of the addresses of a host that is not to be connected to, if there is one.

    One is enough: a name that resolves to a public and to a private address is no name of a public host.
    """
    if allowed.takes_host(host):
        return None
    return next((address for address in addresses if not allowed.takes_address(address)), None)


def _plain(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and any(address in network for network in _ENDING_IN_IPV4):
        # "::" and "::1" are addresses of their own.
        return address if int(address) <= 1 else IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _is_public(address: _Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or address in _INNER:
        return False
    return isinstance(address, IPv4Address) or not address.is_site_local
