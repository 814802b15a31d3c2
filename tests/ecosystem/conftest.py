"""What is built on LangChain's newest versions, in an environment of its own: ``make ecosystem``."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from portkey_langchain import ChatPortkey

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

# The environment of `make test` has neither of the two.
collect_ignore_glob = [] if find_spec("deepagents") and find_spec("langchain_anthropic") else ["test_*.py"]


@pytest.fixture(params=["chat_completions", "messages"])
def model(sandbox: "Sandbox", request: pytest.FixtureRequest) -> ChatPortkey:
    """A model whose calls go through the real gateway to the emulated Claude, in either format."""
    options: dict[str, Any] = {**sandbox.options(), "api_format": request.param}
    return ChatPortkey(model=sandbox.model, max_retries=0, **options)
