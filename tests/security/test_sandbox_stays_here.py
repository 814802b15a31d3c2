"""The sandbox can be reached from this machine only."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

_LISTENING = "0A"
_LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


@pytest.mark.skipif(not _TABLES[0].exists(), reason="only Linux tells in /proc who listens where")
def test_the_gateway_of_the_sandbox_is_bound_to_loopback(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.base_url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port)):
        pass
    listeners = [
        line.split()[1].split(":")
        for table in _TABLES
        for line in table.read_text().splitlines()[1:]
        if line.split()[3] == _LISTENING
    ]
    bound = {address for address, number in listeners if int(number, 16) == port}
    assert bound
    assert bound <= _LOOPBACK
