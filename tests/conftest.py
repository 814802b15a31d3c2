"""What every test may use."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

pytest_plugins = ["pytester"]

# Nothing is timed: a busy machine is no failure.
settings.register_profile("on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("on any machine")


@pytest.fixture(autouse=True)
def nobody_listens_on() -> Iterator[None]:
    """A test fails that leaves a handler where later ones would tell it everything, and keep what it collects."""
    before = listening()
    yield
    after = listening()
    if settings_module := sys.modules.get("llama_index.core.settings"):
        # What has no handlers of its own shares the list of this one, which whatever reads it makes.
        settings_module.Settings._callback_manager = None
    assert after <= before, f"{after - before} would hear the tests that follow"


def listening() -> set[Any]:
    """The handlers of LlamaIndex's that hear every model of this process."""
    found: set[Any] = set()
    if settings_module := sys.modules.get("llama_index.core.settings"):
        manager = settings_module.Settings._callback_manager
        found.update(map(type, manager.handlers if manager else ()))
    if instrumentation := sys.modules.get("llama_index_instrumentation"):
        root = instrumentation.root_dispatcher
        found.update(map(type, [*root.event_handlers, *root.span_handlers]))
    always = ("Null", "PlaceHandler")  # those it begins with; ours, from the import of portkey_llamaindex on
    return {each for each in found if not each.__name__.startswith(always)}


@pytest.fixture
def sandbox(portkey_sandbox: "Sandbox") -> "Iterator[Sandbox]":
    """The session's sandbox, without what other tests asked, queued or broke."""
    portkey_sandbox.claude.clear()
    yield portkey_sandbox
    portkey_sandbox.claude.clear()


@pytest.fixture
def both(portkey_sandbox_with_openai: "Sandbox") -> "Iterator[Sandbox]":
    """The session's sandbox with both providers, without what other tests asked, queued or broke."""
    providers = (portkey_sandbox_with_openai.claude, portkey_sandbox_with_openai.openai)
    for provider in providers:
        provider.clear()
    yield portkey_sandbox_with_openai
    for provider in providers:
        provider.clear()


@pytest.fixture(scope="session")
def portkey_prompts() -> Path:
    """The prompts of `library`."""
    return Path(__file__).parent / "support" / "prompts"


@pytest.fixture
def library(portkey_sandbox_with_prompts: "Sandbox") -> "Iterator[Sandbox]":
    """The session's sandbox with a prompt library, without what other tests asked, queued or broke."""
    sandbox = portkey_sandbox_with_prompts
    for server in (sandbox.claude, sandbox.control_plane):
        server.clear()
    yield sandbox
    for server in (sandbox.claude, sandbox.control_plane):
        server.clear()
