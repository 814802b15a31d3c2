"""Which addresses are public, however they are written, and what a program allows beside them."""

from __future__ import annotations

import pytest

from portkey_gateway.http.addresses import find_refused, read_allowed

NOTHING = read_allowed(())
INNER = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",  # noqa: S104 not bound
    "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::169.254.169.254",
    "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1", "2001:0:7f00:1::",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_is_refused(address: str) -> None:
    assert find_refused("images.example", [address], NOTHING) == address
    assert find_refused("images.example", ["1.1.1.1", address], NOTHING) == address


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not(address: str) -> None:
    assert find_refused("images.example", [address], NOTHING) is None


@pytest.mark.parametrize(
    ("entry", "host", "address"),
    [
        ("images.internal", "images.internal", "10.0.0.7"),
        ("Images.Internal.", "IMAGES.internal.", "10.0.0.7"),
        ("10.0.0.0/8", "anything", "10.9.8.7"),
        ("10.0.0.7", "anything", "10.0.0.7"),
        ("10.0.0.7", "anything", "::ffff:10.0.0.7"),
        ("[::1]", "anything", "::1"),
        ("fd00::/8", "anything", "fd00::7"),
    ],
)
def test_what_the_program_allows_is_no_longer_refused(entry: str, host: str, address: str) -> None:
    assert find_refused(host, [address], NOTHING) == address
    assert find_refused(host, [address], read_allowed((entry,))) is None


def test_an_allowed_network_is_no_other_network() -> None:
    addresses = ["10.9.8.7", "169.254.169.254"]
    assert find_refused("anything", addresses, read_allowed(("10.0.0.0/8",))) == "169.254.169.254"


@pytest.mark.parametrize("other", ["sub.images.internal", "images.internal.evil.example", "images"])
def test_a_name_allows_no_other_name(other: str) -> None:
    assert find_refused(other, ["10.0.0.7"], read_allowed(("images.internal",))) == "10.0.0.7"


@pytest.mark.parametrize("entry", ["", "http://images.internal", "10.0.0.0/40", "user@host", "a b"])
def test_what_names_no_host_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="inline_from takes host names, addresses and networks"):
        read_allowed((entry,))
