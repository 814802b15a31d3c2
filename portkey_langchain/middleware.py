"""Prompt caching for the agents of LangChain's ``create_agent``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Literal, get_args

from langchain_core.runnables import Runnable, RunnableBinding, RunnableWithFallbacks
from typing_extensions import override

from portkey_gateway.caching.plan import PromptCaching
from portkey_gateway.errors import EncodingError, warn
from portkey_langchain.chat_model import ChatPortkey

try:
    from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
except ImportError as error:
    raise ImportError("PortkeyPromptCachingMiddleware is for LangChain's agents: pip install langchain") from error

UnsupportedModelBehavior = Literal["ignore", "warn", "raise"]


class PortkeyPromptCachingMiddleware(AgentMiddleware[Any, Any, Any]):
    """Has Claude cache what the rounds of an agent share: tools, system message, and the conversation so far.

    The same as ``prompt_caching`` of the model, for agents whose model is chosen elsewhere. It wins over the model's
    own option.

    Args:
        ttl: how long a prefix is kept after it was last read, ``"5m"`` or ``"1h"``; see ``PromptCaching``.
        min_messages_to_cache: calls of fewer messages, the system message counted, are left alone.
        unsupported_model_behavior: what to do where the model is no Claude behind a ``ChatPortkey``: call it without
            caching and ``"warn"``, call it and ``"ignore"`` that, or ``"raise"``.

    Raises:
        ValueError: at construction, if an argument is not valid; from a call, if the model is another and that is to
            raise.

    Example:
        ```python
        agent = create_agent(model, tools, middleware=[PortkeyPromptCachingMiddleware(ttl="1h")])
        ```
    """

    def __init__(
        self,
        *,
        ttl: Literal["5m", "1h"] = "5m",
        min_messages_to_cache: int = 0,
        unsupported_model_behavior: UnsupportedModelBehavior = "warn",
    ) -> None:
        super().__init__()
        if min_messages_to_cache < 0:
            raise ValueError(f"min_messages_to_cache must be 0 or more; got {min_messages_to_cache!r}")
        known = get_args(UnsupportedModelBehavior)
        if unsupported_model_behavior not in known:
            raise ValueError(f"unsupported_model_behavior must be one of {known}; got {unsupported_model_behavior!r}")
        self.prompt_caching = PromptCaching(ttl=ttl)
        self.min_messages_to_cache = min_messages_to_cache
        self.unsupported_model_behavior = unsupported_model_behavior

    @override
    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Ask for a plan of breakpoints with this call."""
        return handler(self._with_caching(request))

    @override
    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Async twin of ``wrap_model_call``."""
        return await handler(self._with_caching(request))

    def _with_caching(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        if reason := _why_not(request):
            if self.unsupported_model_behavior == "raise":
                raise EncodingError(reason)
            if self.unsupported_model_behavior == "warn":
                warn(reason)
            return request
        if len(request.messages) + (request.system_message is not None) < self.min_messages_to_cache:
            return request
        return request.override(model_settings={**request.model_settings, "prompt_caching": self.prompt_caching})


def _why_not(request: ModelRequest[Any]) -> str | None:
    """Why the model of a request takes no breakpoints; ``None`` if it does."""
    models = list(_models(request.model))
    for model in models:
        if not isinstance(model, ChatPortkey):
            return f"PortkeyPromptCachingMiddleware works with ChatPortkey only, not with {type(model).__name__}"
    other = request.model_settings.get("model")
    if not any(model.targets_claude(other) for model in models):
        return (
            f"PortkeyPromptCachingMiddleware marks nothing for model {other or models[0].model!r}: by its name it is "
            "no Claude, and other models cache by themselves"
        )
    return None


def _models(model: Runnable[Any, Any]) -> Iterator[Any]:
    """The model itself, below what was bound to it, or each of those that fall back on one another."""
    if isinstance(model, RunnableBinding):
        yield from _models(model.bound)
    elif isinstance(model, RunnableWithFallbacks):
        for each in model.runnables:
            yield from _models(each)
    else:
        yield model
