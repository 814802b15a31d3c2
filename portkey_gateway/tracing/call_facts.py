"""A call, asked and answered → the attributes of its span, without what is said in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from portkey_gateway.conversation.answer import Answer
from portkey_gateway.conversation.cost import Cost
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.info import GatewayInfo
from portkey_gateway.options import GatewayFields
from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.spans import Attribute

USAGE_AND_COST: Final = frozenset(
    {
        semconv.USAGE_INPUT_TOKENS,
        semconv.USAGE_OUTPUT_TOKENS,
        semconv.USAGE_CACHE_READ_TOKENS,
        semconv.USAGE_CACHE_WRITE_TOKENS,
        semconv.USAGE_REASONING_TOKENS,
        semconv.COST_TOTAL,
        semconv.COST_INPUT,
        semconv.COST_OUTPUT,
    }
)
"""What Portkey is not told of a call that it has logged itself."""

_NUMBERS: Final = {
    "max_tokens": semconv.REQUEST_MAX_TOKENS,
    "max_completion_tokens": semconv.REQUEST_MAX_TOKENS,
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "top_k": semconv.REQUEST_TOP_K,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
    "seed": semconv.REQUEST_SEED,
    "n": semconv.REQUEST_CHOICE_COUNT,
    "dimensions": semconv.EMBEDDING_DIMENSIONS,
}
_PORTS: Final = {"https": 443, "http": 80}


class Answered(Protocol):
    """An answer, or the vectors of one request."""

    @property
    def model(self) -> str:
        """The model that answered."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What it took."""
        ...

    @property
    def info(self) -> GatewayInfo:
        """What the gateway says of the call."""
        ...

    @property
    def cost(self) -> Cost | None:
        """What it costs."""
        ...


def describe_request(
    operation: str, request: Mapping[str, Any], options: GatewayFields, *, streamed: bool
) -> dict[str, Attribute | None]:
    """What is known of a call before it is answered.

    Args:
        operation: the conventions' name of it, ``chat`` or ``embeddings``.
        request: for an answer, of a prompt of the library, or for vectors.
        options: of the client that sends it.
        streamed: whether the answer is to come in pieces.
    """
    url = urlsplit(options.base_url)
    parameters = {**request, **(request.get("overrides") or {})}
    known: dict[str, Attribute | None] = {
        semconv.OPERATION: operation,
        # Who answers, only the answer tells; until then it is whom the options name.
        semconv.PROVIDER: semconv.provider_name(options.provider.removeprefix("@")) if options.provider else "portkey",
        semconv.REQUEST_MODEL: request.get("model") or None,
        semconv.REQUEST_STREAM: streamed or None,
        semconv.SERVER_ADDRESS: url.hostname,
        semconv.SERVER_PORT: url.port or _PORTS.get(url.scheme),
        semconv.THROUGH_GATEWAY: True,
    }
    for name, attribute in _NUMBERS.items():
        if isinstance(value := parameters.get(name), (int, float)):
            known[attribute] = value
    if stop := parameters.get("stop"):
        known[semconv.REQUEST_STOP_SEQUENCES] = [stop] if isinstance(stop, str) else list(stop)
    form = parameters.get("response_format")
    if isinstance(form, Mapping):
        known[semconv.OUTPUT_TYPE] = "text" if form.get("type") == "text" else "json"
    if (prompt := request.get("prompt")) is not None:
        known[semconv.PROMPT_NAME] = prompt.id
    return known


def describe_answer(answer: Answered) -> dict[str, Attribute | None]:
    """What is known of a call once it was answered, or of as much of the answer as came."""
    info, usage, cost = answer.info, answer.usage, answer.cost
    known: dict[str, Attribute | None] = {semconv.RESPONSE_MODEL: answer.model or None, **describe_info(info)}
    if isinstance(answer, Answer):
        reasons = [each.finish_reason for each in (answer, *answer.others) if each.finish_reason]
        known |= {
            semconv.RESPONSE_ID: answer.id or None,
            semconv.FINISH_REASONS: reasons or None,
            semconv.STOP_REASON: answer.stop_reason if answer.stop_reason != answer.finish_reason else None,
        }
        if not info.provider and answer.provider:
            known[semconv.PROVIDER] = semconv.provider_name(answer.provider)
    if vectors := getattr(answer, "vectors", None):
        known[semconv.EMBEDDING_DIMENSIONS] = len(vectors[0])
    # What the gateway took out of its response cache has the usage of the answer that it kept: nobody used that again.
    if usage and not info.is_cached:
        known |= {
            semconv.USAGE_INPUT_TOKENS: usage.input_tokens,
            semconv.USAGE_OUTPUT_TOKENS: usage.output_tokens if isinstance(answer, Answer) else None,
            semconv.USAGE_CACHE_READ_TOKENS: usage.cache_read_tokens or None,
            semconv.USAGE_CACHE_WRITE_TOKENS: usage.cache_write_tokens or None,
            semconv.USAGE_REASONING_TOKENS: usage.reasoning_tokens or None,
        }
    if cost:
        known |= {
            semconv.COST_TOTAL: cost["total"],
            semconv.COST_INPUT: cost["input"],
            semconv.COST_OUTPUT: cost["output"],
        }
    return known


def describe_info(info: GatewayInfo) -> dict[str, Attribute | None]:
    """What the gateway says of a call."""
    known: dict[str, Attribute | None] = {
        semconv.TARGET_INDEX: info.target_index,
        semconv.CACHE_STATUS: info.cache_status,
        semconv.RETRY_COUNT: info.retry_count,
        semconv.REQUEST_ID: info.request_id,
        semconv.STATUS_CODE: info.status,
    }
    if info.provider:
        known[semconv.PROVIDER] = semconv.provider_name(info.provider)
    return known
