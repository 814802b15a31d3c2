"""The Portkey AI gateway for Python frameworks: everything about the gateway, nothing about a framework.

Names are imported when first used: the pytest plugin of this package is loaded by every test run of whoever
installed it, and must cost nothing there.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portkey_gateway.caching.plan import PromptCaching
    from portkey_gateway.caching.report import CacheReport
    from portkey_gateway.chat_completions.decode import AnswerFold
    from portkey_gateway.client import GatewayClient
    from portkey_gateway.conversation.answer import Answer, Delta
    from portkey_gateway.conversation.cost import Cost
    from portkey_gateway.conversation.usage import Usage
    from portkey_gateway.errors import (
        APIConnectionError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        BudgetExceededError,
        ConflictError,
        ContentError,
        ContextOverflowError,
        EncodingError,
        ErrorInBodyError,
        GatewayFailureError,
        GuardrailDeniedError,
        HTMLResponseError,
        InvalidResponseError,
        MissingVariablesError,
        NotFoundError,
        NotJSONError,
        OverloadedError,
        PermissionDeniedError,
        PortkeyError,
        PortkeyStatusError,
        PortkeyWarning,
        RateLimitError,
        RequestTimeoutError,
        RequestTooLargeError,
        ServerError,
        StreamDecodeError,
        StreamError,
        StreamInterruptedError,
        StreamProviderError,
        StreamTimeoutError,
        StreamTruncatedError,
        UnprocessableEntityError,
    )
    from portkey_gateway.gateway_config import Cache, Condition, GatewayConfig, Retry, Strategy, Target
    from portkey_gateway.http.answer_stream import AnswerStream, AsyncAnswerStream
    from portkey_gateway.info import GatewayInfo
    from portkey_gateway.models.facts import ModelFacts
    from portkey_gateway.options import GatewayOptions
    from portkey_gateway.other_routes import ListedModel
    from portkey_gateway.prompts.library import PromptLibrary
    from portkey_gateway.prompts.rendered import RenderedPrompt
    from portkey_gateway.prompts.template import PromptTemplate
    from portkey_gateway.tracing.context import TraceContext
    from portkey_gateway.tracing.costs import TraceCost, trace_cost

__all__ = [
    "APIConnectionError",
    "APITimeoutError",
    "Answer",
    "AnswerFold",
    "AnswerStream",
    "AsyncAnswerStream",
    "AuthenticationError",
    "BadRequestError",
    "BudgetExceededError",
    "Cache",
    "CacheReport",
    "Condition",
    "ConflictError",
    "ContentError",
    "ContextOverflowError",
    "Cost",
    "Delta",
    "EncodingError",
    "ErrorInBodyError",
    "GatewayClient",
    "GatewayConfig",
    "GatewayFailureError",
    "GatewayInfo",
    "GatewayOptions",
    "GuardrailDeniedError",
    "HTMLResponseError",
    "InvalidResponseError",
    "ListedModel",
    "MissingVariablesError",
    "ModelFacts",
    "NotFoundError",
    "NotJSONError",
    "OverloadedError",
    "PermissionDeniedError",
    "PortkeyError",
    "PortkeyStatusError",
    "PortkeyWarning",
    "PromptCaching",
    "PromptLibrary",
    "PromptTemplate",
    "RateLimitError",
    "RenderedPrompt",
    "RequestTimeoutError",
    "RequestTooLargeError",
    "Retry",
    "ServerError",
    "Strategy",
    "StreamDecodeError",
    "StreamError",
    "StreamInterruptedError",
    "StreamProviderError",
    "StreamTimeoutError",
    "StreamTruncatedError",
    "Target",
    "TraceContext",
    "TraceCost",
    "UnprocessableEntityError",
    "Usage",
    "trace_cost",
]

_HOME_OF_THE_REST = "errors"
_HOMES = {
    "Answer": "conversation.answer",
    "AnswerFold": "chat_completions.decode",
    "AnswerStream": "http.answer_stream",
    "AsyncAnswerStream": "http.answer_stream",
    "Cache": "gateway_config",
    "CacheReport": "caching.report",
    "Condition": "gateway_config",
    "Cost": "conversation.cost",
    "Delta": "conversation.answer",
    "GatewayClient": "client",
    "GatewayConfig": "gateway_config",
    "GatewayInfo": "info",
    "GatewayOptions": "options",
    "ListedModel": "other_routes",
    "ModelFacts": "models.facts",
    "PromptCaching": "caching.plan",
    "PromptLibrary": "prompts.library",
    "PromptTemplate": "prompts.template",
    "RenderedPrompt": "prompts.rendered",
    "Retry": "gateway_config",
    "Strategy": "gateway_config",
    "Target": "gateway_config",
    "TraceContext": "tracing.context",
    "TraceCost": "tracing.costs",
    "Usage": "conversation.usage",
    "trace_cost": "tracing.costs",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its room."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 reading metadata takes milliseconds

        return version("portkey-frameworks")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, _HOME_OF_THE_REST)}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
