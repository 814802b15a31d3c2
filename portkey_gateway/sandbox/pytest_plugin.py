"""A pytest fixture with a running sandbox, there in every pytest run of an environment that has this distribution."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from portkey_gateway.sandbox.error import SandboxError

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox


@pytest.fixture(scope="session")
def portkey_sandbox() -> "Iterator[Sandbox]":
    """The open-source Portkey gateway with an emulated Claude behind it, both on free loopback ports.

    One serves the whole session (under pytest-xdist: one for each worker). Write
    `ChatPortkey(model=portkey_sandbox.model, **portkey_sandbox.options())`.
    """
    try:
        from portkey_gateway.sandbox import Sandbox  # noqa: PLC0415 - costs nothing until a test asks

        sandbox = Sandbox()
        sandbox.start()
    except SandboxError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    yield sandbox
    sandbox.stop()
