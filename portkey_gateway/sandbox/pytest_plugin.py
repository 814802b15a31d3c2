"""Pytest fixtures with a running sandbox, there in every pytest run of an environment that has this distribution."""

from collections.abc import Iterator
from pathlib import Path
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
    yield from _run()


@pytest.fixture(scope="session")
def portkey_sandbox_with_openai() -> "Iterator[Sandbox]":
    """A sandbox of its own with an emulated OpenAI beside the Claude, for fallbacks between the two.

    Write `ChatPortkey(model=…, base_url=sandbox.base_url, config=sandbox.config("openai", "anthropic"))`.
    """
    yield from _run(openai=True)


@pytest.fixture(scope="session")
def portkey_prompts(pytestconfig: pytest.Config) -> Path:
    """The folder of `portkey_sandbox_with_prompts`: `prompts` beside the configuration of pytest.

    A fixture of yours with this name gives another.
    """
    return pytestconfig.rootpath / "prompts"


@pytest.fixture(scope="session")
def portkey_sandbox_with_prompts(portkey_prompts: Path) -> "Iterator[Sandbox]":
    """A sandbox of its own with Portkey's prompt library and feedback before the gateway.

    Write `PortkeyPrompt("pp-…", **portkey_sandbox_with_prompts.account())`.
    """
    yield from _run(prompts=portkey_prompts)


def _run(*, openai: bool = False, prompts: Path | None = None) -> "Iterator[Sandbox]":
    try:
        from portkey_gateway.sandbox import Sandbox  # noqa: PLC0415 - costs nothing until a test asks

        sandbox = Sandbox(openai=openai, prompts=prompts)
        sandbox.start()
    except SandboxError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    yield sandbox
    sandbox.stop()
