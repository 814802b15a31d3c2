"""The body of a chat completion: checked against what the gateway would lose, then encoded once.

Every rule here answers an edge of the open-source gateway 1.15.2 (``providers/anthropic/chatComplete.ts``) or of
Anthropic's Messages API that would otherwise lose something without a word, or fail with a message that names nothing.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic_core import PydanticSerializationError, to_json

from portkey_gateway.caching.breakpoints import check_breakpoints, encode_cache_control, mark_last_block
from portkey_gateway.caching.plan import PromptCaching, PromptCachingOption, plan_breakpoints
from portkey_gateway.chat_completions.schema import simplify_parameters
from portkey_gateway.conversation.content import is_claude
from portkey_gateway.conversation.request import SYSTEM_ROLES, ChatRequest, ContentBlock, Message, Tool
from portkey_gateway.errors import ContentError, EncodingError, warn
from portkey_gateway.options import GatewayFields

DEFAULT_MAX_TOKENS: Final = 4096
"""Sent to a Claude when no ``max_tokens`` is given: Anthropic requires one."""

_PASSED_TO_CLAUDE: Final = frozenset(
    {"model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "stop", "stream",
     "user", "thinking", "tools", "tool_choice"}
)  # fmt: skip
_USER_BLOCK_TYPES: Final = frozenset({"text", "image_url", "file"})
_DROPPED_FOR_CLAUDE: Final = {
    "response_format": "the answer would be free text: use the framework's structured output, or a tool",
    "seed": "Claude has none",
    "parallel_tool_calls": "the gateway cannot say it to Claude",
    "reasoning_effort": "use thinking={'type': 'enabled', 'budget_tokens': …}",
    "metadata": "label calls with the model's metadata option",
    "service_tier": "the gateway cannot say it to Claude",
    "stop_sequences": "use stop",
    "frequency_penalty": "Claude has none",
    "presence_penalty": "Claude has none",
    "logit_bias": "Claude has none",
    "logprobs": "Claude has none",
    "n": "Claude gives one answer",
}
"""Parameters of other models that the gateway leaves out on the way to Claude, and what to do instead."""


def encode_request(
    request: ChatRequest,
    *,
    provider: str | None = None,
    prompt_caching: PromptCachingOption = None,
    keeps_ttl: bool = False,
) -> bytes:
    """Check a request and encode it as the body of ``POST /chat/completions``.

    The request itself is not changed.

    Args:
        request: what to send.
        provider: the provider of the options, where known; with the model's name it tells whether this is a Claude.
        prompt_caching: what to mark for Claude's prompt cache, beside what is marked.
        keeps_ttl: whether the gateway passes on the ``ttl`` of a mark wherever it stands.

    Raises:
        EncodingError: if it cannot be sent as it is; the message names the field and the fix.

    Warns:
        PortkeyWarning: if something will not reach the model, such as ``PromptCaching`` that is no Claude's.
    """
    _check_shapes(request)
    if is_claude(request.get("model") or "", provider):
        caching = PromptCaching() if prompt_caching == "auto" else prompt_caching
        body: dict[str, Any] = {**prepare_for_claude(request, caching, keeps_ttl=keeps_ttl)}
    else:
        body = {**request}
        if isinstance(prompt_caching, PromptCaching):
            warn(
                f"prompt_caching marks nothing for model {request.get('model')!r}: by its name it is no Claude, and "
                "other models cache by themselves; 'auto' leaves them alone without a warning"
            )
    stop = body.get("stop")
    if isinstance(stop, str):
        body["stop"] = [stop]
    if body.get("tool_choice") == "any":
        body["tool_choice"] = "required"
    try:
        return to_json({name: value for name, value in body.items() if value is not None}, by_alias=False)
    except PydanticSerializationError as error:
        raise EncodingError(f"the request holds something that JSON does not know: {error}") from error


def encode_tool_choice(choice: str | Mapping[str, Any] | bool | None) -> str | dict[str, Any] | None:
    """Encode any common way to choose a tool as the one the gateway understands.

    Args:
        choice: ``"auto"``, ``"none"``, ``"any"`` or ``"required"`` (or ``True``), a tool's name, OpenAI's
            ``{"type": "function", "function": {"name": …}}`` or Anthropic's ``{"type": "auto" | "any" | "tool", …}``.

    Raises:
        EncodingError: if it is none of these.
    """
    if choice is None or choice is False:
        return None
    if choice is True:
        return "required"
    if isinstance(choice, str):
        words = {"any": "required", "required": "required", "auto": "auto", "none": "none"}
        return words.get(choice) or {"type": "function", "function": {"name": choice}}
    if not isinstance(choice, Mapping):
        raise EncodingError(f"tool_choice {choice!r} is not understood: give 'auto', 'any', 'none' or a tool's name")
    kind = choice.get("type")
    if choice.get("disable_parallel_tool_use"):
        warn("disable_parallel_tool_use does not reach Claude: the gateway cannot say it")
    if kind == "function" and isinstance(choice.get("function"), Mapping):
        return dict(choice)
    if kind == "tool" and choice.get("name"):
        return {"type": "function", "function": {"name": choice["name"]}}
    if kind in {"auto", "any", "none"}:
        return "required" if kind == "any" else str(kind)
    raise EncodingError(f"tool_choice {choice!r} is not understood: give 'auto', 'any', 'none' or a tool's name")


def prepare_for_claude(
    request: ChatRequest, caching: PromptCaching | None = None, *, keeps_ttl: bool = False
) -> ChatRequest:
    """Return the request as the gateway can carry it to Claude; ``encode_request`` does so by itself.

    Args:
        request: what to send; it is not changed.
        caching: what to mark beside what is marked.
        keeps_ttl: as for ``encode_request``.

    Raises:
        EncodingError: as ``encode_request``.
    """
    body: dict[str, Any] = {**request}
    body["messages"] = _drop_empty_text(request["messages"])
    if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
        # What may be thought comes on top: Anthropic counts it too, and refuses a budget that max_tokens cannot hold.
        body["max_tokens"] = DEFAULT_MAX_TOKENS + ((body.get("thinking") or {}).get("budget_tokens") or 0)
    if body.get("tools"):
        body["tools"] = [_with_simple_schema(tool) for tool in body["tools"]]
    if thinks(body.get("thinking")) and body.get("tool_choice") not in (None, "auto", "none"):
        warn("tool_choice is sent as 'auto': Claude cannot be made to call a tool while it thinks")
        body["tool_choice"] = "auto"
    prepared = cast("ChatRequest", body)
    if mark := body.pop("cache_control", None):
        prepared = mark_last_block(prepared, encode_cache_control(mark, where="the request"))
    if caching:
        prepared = plan_breakpoints(prepared, caching, keeps_ttl=keeps_ttl)
    check_breakpoints(prepared)
    _warn_about_losses(body)
    return prepared


def thinks(thinking: Mapping[str, Any] | None) -> bool:
    """Tell whether a ``thinking`` parameter turns thinking on; Claude then takes no forced tool choice."""
    return thinking is not None and str(thinking.get("type", "disabled")) != "disabled"


def _with_simple_schema(tool: Tool) -> Tool:
    function = tool.get("function")
    if not function or "parameters" not in function:
        return tool
    name = function["name"]
    try:
        parameters = simplify_parameters(function["parameters"], tool=name)
    except (AttributeError, TypeError) as error:
        raise EncodingError(f"the parameters of tool {name!r} are no JSON schema: {error}") from error
    return cast("Tool", {**tool, "function": {**function, "parameters": parameters}})


def _drop_empty_text(messages: list[Message]) -> list[Message]:
    """Leave out empty text, or white space alone, which Anthropic refuses, and messages that say nothing.

    The gateway drops a whole system message whose first block is empty, and sends ``""`` on as an empty block.
    """
    kept = []
    for index, message in enumerate(messages):
        trimmed = message
        content = message.get("content")
        if isinstance(content, list) and message["role"] == "user":
            _check_user_blocks(content, f"messages[{index}]")
        for field in ("content", "content_blocks"):
            blocks = message.get(field)
            if isinstance(blocks, list) and any(_is_empty_text(block) for block in blocks):
                kept_blocks = [block for block in blocks if not _is_empty_text(block)]
                trimmed = cast("Message", {**trimmed, field: kept_blocks})
        content = trimmed.get("content")
        if _says_something(content) or trimmed.get("tool_calls") or trimmed.get("content_blocks"):
            kept.append(trimmed)
        elif message["role"] == "tool":
            # An empty tool result is an answer too, and Anthropic takes one; an empty list of blocks it takes as well.
            kept.append(cast("Message", {**message, "content": ""}))
        elif message["role"] == "user":
            raise EncodingError(f"messages[{index}] (user) is empty: Claude refuses empty text; leave the message out")
    if all(message["role"] in SYSTEM_ROLES for message in kept):
        raise EncodingError("messages holds system messages only: Claude needs at least one user message")
    return kept


def _check_user_blocks(blocks: list[Any], where: str) -> None:
    """Refuse what the gateway would drop without a word; the plugins never send it, a caller of the client may."""
    for index, block in enumerate(blocks):
        if block["type"] not in _USER_BLOCK_TYPES:
            known = ", ".join(sorted(_USER_BLOCK_TYPES))
            raise ContentError(
                f"{where}.content[{index}] is a {block['type']!r} block, which the gateway drops; it carries {known}"
            )
        if block["type"] == "image_url" and not isinstance(block["image_url"], Mapping):
            raise ContentError(
                f"{where}.content[{index}].image_url must be {{'url': …}}: the gateway drops any other image"
            )


def _says_something(content: str | list[ContentBlock] | None) -> bool:
    return bool(content.strip() if isinstance(content, str) else content)


def _is_empty_text(block: ContentBlock) -> bool:
    return block["type"] == "text" and not block["text"].strip()


def _warn_about_losses(body: Mapping[str, Any]) -> None:
    for name in body.keys() - _PASSED_TO_CLAUDE:
        if body[name] is not None:
            warn(f"{name} does not reach Claude: {_DROPPED_FOR_CLAUDE.get(name) or _unknown_remedy(name)}")
    temperature = body.get("temperature")
    if temperature is not None and temperature > 1:
        warn(f"temperature {temperature} is sent to Claude as 1: its range is 0 to 1")


def _unknown_remedy(name: str) -> str:
    near = difflib.get_close_matches(name, [*_PASSED_TO_CLAUDE, *GatewayFields.model_fields], n=1)
    return f"did you mean {near[0]!r}?" if near else "the gateway leaves out what it does not know"


def _check_shapes(request: ChatRequest) -> None:
    """Refuse what is no request at all, before anything else trips over it."""
    messages: Any = request.get("messages")
    if not messages:
        raise EncodingError("messages is empty: give at least one user message")
    for index, message in enumerate(messages):
        if not isinstance(message, Mapping) or "role" not in message:
            raise EncodingError(f"messages[{index}] must be a mapping with a role; got {type(message).__name__}")
        content = message.get("content")
        for place, block in enumerate(content if isinstance(content, list) else ()):
            if not isinstance(block, Mapping) or "type" not in block:
                raise ContentError(f"messages[{index}].content[{place}] must be a mapping with a type")
            if block["type"] == "text" and not isinstance(block.get("text"), str):
                raise ContentError(f"messages[{index}].content[{place}] is a text block whose text is no string")
    for name, value in request.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise EncodingError(f"{name} is {value}, which JSON does not know")
    _check_parameters(request)


def _check_parameters(request: Mapping[str, Any]) -> None:
    thinking = request.get("thinking")
    is_mapping = isinstance(thinking, Mapping) and isinstance(thinking.get("budget_tokens", 0), int)
    if thinking is not None and not is_mapping:
        raise EncodingError("thinking must be a mapping such as {'type': 'enabled', 'budget_tokens': 2048}")
    temperature = request.get("temperature")
    if temperature is not None and not isinstance(temperature, (int, float)):
        raise EncodingError(f"temperature must be a number; got {temperature!r}")
    tools = request.get("tools")
    for index, tool in enumerate(tools or ()):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(tool, Mapping) or not isinstance((function or {}).get("parameters", {}), Mapping):
            raise EncodingError(f"tools[{index}] must be a mapping, and the parameters of its function a JSON schema")
