"""The fixtures of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.memory import ChatMemoryBuffer
from llama_index_instrumentation import get_dispatcher

from portkey_llamaindex import Portkey
from tests.llamaindex.facts import index_of_facts
from tests.llamaindex.received import Received
from tests.llamaindex.tracing import instrumentation, no_opentelemetry_in_the_environment, receiver, sent, sent_all
from tests.llamaindex.tree import Tree
from tests.support.fixtures import event_loop_of_the_thread, server
from tests.support.recording import RecordingServer

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

__all__ = [
    "event_loop_of_the_thread",
    "instrumentation",
    "no_opentelemetry_in_the_environment",
    "receiver",
    "sent",
    "sent_all",
    "server",
]


@pytest.fixture(autouse=True)
def _no_portkey_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)


@pytest.fixture(params=["chat_completions", "messages"])
def api_format(request: pytest.FixtureRequest) -> str:
    """Each of the two formats: what works over one works over the other."""
    return str(request.param)


@pytest.fixture
def llm(sandbox: Sandbox, api_format: Any) -> Portkey:
    """A model whose calls go through the real gateway to the emulated Claude."""
    return Portkey(model=sandbox.model, max_retries=0, api_format=api_format, **sandbox.options())


@pytest.fixture
def received(sandbox: Sandbox) -> Received:
    """What the emulated Claude received."""
    return Received(sandbox)


@pytest.fixture
def recorded(server: RecordingServer) -> Portkey:
    """A model whose calls go to a server that answers what the test wrote."""
    options: dict[str, Any] = {"provider": "anthropic", "provider_api_key": "sk-ant-of-the-test"}
    return Portkey(
        model="claude-sonnet-4-5",
        base_url=server.base_url,
        max_retries=0,
        api_format="chat_completions",
        **options,
    )


@pytest.fixture
def index() -> VectorStoreIndex:
    return index_of_facts()


@pytest.fixture
def memory() -> ChatMemoryBuffer:
    """A memory of its own for each test; LlamaIndex's default leaves connections to SQLite open."""
    return ChatMemoryBuffer.from_defaults(tokenizer_fn=str.split)


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Every span of the test, as LlamaIndex tells it to any handler."""
    handler = Tree()
    monkeypatch.setattr(get_dispatcher(), "span_handlers", [*get_dispatcher().span_handlers, handler])
    return handler
