"""What every test may use."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

pytest_plugins = ["pytester"]


@pytest.fixture
def sandbox(portkey_sandbox: "Sandbox") -> "Iterator[Sandbox]":
    """The session's sandbox, without what other tests asked, queued or broke."""
    portkey_sandbox.claude.clear()
    yield portkey_sandbox
    portkey_sandbox.claude.clear()
