"""A request → the body of ``POST /messages``, and the path that carries it whole. Pure.

Paths, tried on the open-source gateway 1.15.2: ``/messages`` knows guardrails and translates for Bedrock and Vertex,
but passes on only the parameters it knows; ``/proxy/messages`` passes everything on, to Anthropic itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from pydantic_core import PydanticSerializationError, to_json

from portkey_gateway.caching.breakpoints import (
    check_breakpoints,
    encode_cache_control,
    mark_last_block,
    without_refused_marks,
)
from portkey_gateway.caching.plan import PromptCaching, PromptCachingOption, plan_breakpoints, warn_not_cached
from portkey_gateway.conversation.bound_schema import as_bound_schema
from portkey_gateway.conversation.claude import (
    fit_effort,
    prepare_for_claude,
    refusing,
    with_shown_thoughts,
    without_idle_effort,
)
from portkey_gateway.conversation.media import as_media
from portkey_gateway.conversation.overrides import fit_to_claude, in_our_words, said_of
from portkey_gateway.conversation.parameters import with_one_name
from portkey_gateway.conversation.plain import Texts
from portkey_gateway.conversation.read_apart import Apart, tell_apart
from portkey_gateway.conversation.request import ChatRequest, Message
from portkey_gateway.conversation.unsendable import unsendable
from portkey_gateway.errors import warn
from portkey_gateway.messages.blocks import encode_messages, encode_system, find_system_amid
from portkey_gateway.messages.losses import LOSSES
from portkey_gateway.messages.tools import encode_tool, encode_tool_choice, with_limited_strictness
from portkey_gateway.models.claude import takes_schemas, takes_system_amid
from portkey_gateway.names import meant_option
from portkey_gateway.options import GatewayFields
from portkey_gateway.routing import Route
from portkey_gateway.targets import ConfigTarget, conditions_renamed, read_by_conditions, with_overrides

PATH: Final = "/messages"
PROXY_PATH: Final = "/proxy/messages"
COUNT_PATH: Final = "/messages/count_tokens"

_PASSED: Final = frozenset(
    {"model", "messages", "max_tokens", "container", "mcp_servers", "metadata", "service_tier", "stop_sequences",
     "stream", "system", "temperature", "thinking", "tool_choice", "tools", "top_k", "top_p", "anthropic_beta",
     "anthropic_version"}
)  # fmt: skip
"""Parameters that ``/messages`` of the open-source gateway 1.15.2 takes (``providers/anthropic-base/messages.ts``)."""
_BY_PROXY: Final = frozenset({"output_config", "context_management", "speed", "inference_geo", "cache_control"})
"""Further parameters of Anthropic's, which ``/proxy/messages`` passes on."""
_COUNTED: Final = ("model", "messages", "system", "tools", "tool_choice", "thinking", "mcp_servers")
_OPENAI_MEDIA: Final = frozenset({"image_url", "file"})
_OPENAI: Final = frozenset({"stop", "user", "parallel_tool_calls", "response_format", "reasoning_effort"})
"""OpenAI's parameters that are said in Anthropic's words."""


class Encoded(NamedTuple):
    """A request, ready to be sent."""

    path: str
    body: bytes
    config: dict[str, Any] | None
    """The config as its targets need it."""


def encode_request(
    request: ChatRequest,
    route: Route,
    *,
    prompt_caching: PromptCachingOption = None,
    user_id: str | None = None,
    betas: Mapping[str, str] | None = None,
    config: dict[str, Any] | None = None,
) -> Encoded:
    """Check a request and encode it.

    The request itself is not changed.

    Args:
        request: what to send.
        route: where the call goes.
        prompt_caching: what to mark for Claude's prompt cache, beside what is marked.
        user_id: who asks, for Anthropic's own ``metadata.user_id``, where the request does not say it.
        betas: ``anthropic_beta`` and ``anthropic_version`` for the body, where the gateway reads them from it.
        config: that of the call, where it is known.

    Raises:
        EncodingError: if it cannot be sent as it is; the message names the field and the fix.

    Warns:
        PortkeyWarning: if something will not reach the model.
    """
    apart = Apart(request, config, {})
    if route.gateway == "oss-1":
        apart = tell_apart(request, config, route.provider, lambda _, name: name)
    body = _encode_body(apart, route, prompt_caching)
    path = _path(body, route)
    if apart.read and path == PROXY_PATH:
        # It carries everything: Anthropic would be told, and refuse, what is for conditions alone.
        apart = Apart(request, config, {})
        body = _encode_body(apart, route, prompt_caching)
        path = _path(body, route)
    if user_id and "user_id" not in (body.get("metadata") or {}):
        body["metadata"] = {**(body.get("metadata") or {}), "user_id": user_id}
    config = apart.config
    if config is not None:
        config = _fit_config(config, body, with_one_name(request).get("max_tokens"), route, path)
    body |= apart.read
    if path == PROXY_PATH:
        # Of a whole answer that breaks off there the open-source gateway dies (1.15.2, tried), of a stream it does not.
        body["stream"] = True
    elif betas:
        body |= betas
    return Encoded(path, _to_json(body), config)


def encode_count(request: ChatRequest, route: Route, betas: Mapping[str, str] | None = None) -> bytes:
    """Encode what is counted of a request, as the body of ``POST /messages/count_tokens``.

    Args:
        request: what would be sent.
        route: where the call would go.
        betas: as in ``encode_request``.

    Raises:
        EncodingError: as ``encode_request``.
    """
    body = _encode_body(Apart(request, None, {}), route, None, is_counted=True)
    counted = {name: body[name] for name in _COUNTED if body.get(name) is not None}
    return _to_json({**counted, **(betas or {})})


def _fit_config(
    config: dict[str, Any], body: dict[str, Any], limit: int | None, route: Route, path: str
) -> dict[str, Any]:
    """The config in Anthropic's words; what a target refuses beside the request is taken out of it.

    Args:
        config: of the call.
        body: of the request.
        limit: ``max_tokens`` of the request, where it says one.
        route: where the call goes.
        path: that the request takes.
    """
    kept = read_by_conditions(config)

    def fit(target: ConfigTarget) -> dict[str, Any]:
        has_tools = bool(body.get("tools"))
        own = fit_to_claude(in_our_words(target, has_tools=has_tools), body, limit, target, kept)
        parallel = own.pop("parallel_tool_calls", None)
        if choice := encode_tool_choice(own.pop("tool_choice", None), parallel, has_tools=has_tools):
            own["tool_choice"] = choice
        _translate(own, (target.model,), said_of(target))
        _warn_about_losses(own, said_of(target))
        if path == PATH:
            for name in _lost(own, route):
                warn(f"{said_of(target)}{name} does not reach Claude: give it to the model instead")
                del own[name]
        return own

    fitted = with_overrides(config, route.provider, str(body.get("model") or ""), fit)
    return conditions_renamed(fitted, {"max_completion_tokens": "max_tokens"})


def _encode_body(
    apart: Apart, route: Route, prompt_caching: PromptCachingOption, *, is_counted: bool = False
) -> dict[str, Any]:
    request, kept = apart.request, read_by_conditions(apart.config or {})
    given = with_one_name({**request, "messages": _with_media(request["messages"])})
    name = str(given.get("model") or "")
    models = route.claudes(name) or (name,)
    thought = with_shown_thoughts(without_idle_effort(given, models), models)
    fitting = prepare_for_claude(cast("ChatRequest", thought), models, kept, is_counted=is_counted)
    prepared = _marked(cast("ChatRequest", fitting), route, prompt_caching)
    body: dict[str, Any] = {name: value for name, value in prepared.items() if value is not None}
    messages = body.pop("messages")
    amid = find_system_amid(messages, refusing(models, takes_system_amid) or name)
    if system := [*_as_blocks(body.pop("system", None)), *encode_system(messages, amid)]:
        body["system"] = system
    body["messages"] = encode_messages(messages, amid)
    may_bind = all(map(takes_schemas, models))
    tools = [encode_tool(tool, may_bind=may_bind) for tool in body.pop("tools", None) or ()]
    parallel = body.pop("parallel_tool_calls", None)
    choice = encode_tool_choice(
        body.pop("tool_choice", None), parallel, has_tools=bool(tools or body.get("mcp_servers"))
    )
    if choice:
        body["tool_choice"] = choice
    _translate(body, models)
    if tools:
        output = body.get("output_config") or {}
        body["tools"] = with_limited_strictness(tools, (output.get("format") or {}).get("schema"))
    _warn_about_losses(body)
    return body


def _with_media(messages: list[Message]) -> list[Message]:
    """OpenAI's media in our own blocks, so that a mark on them counts as on any other."""
    if type(messages) is Texts:
        return messages
    return [
        _with_own_media(message, index) if isinstance(message.get("content"), list) else message
        for index, message in enumerate(messages)
    ]


def _with_own_media(message: Message, index: int) -> Message:
    content: Any = message.get("content")
    if all(block["type"] not in _OPENAI_MEDIA for block in content):
        return message
    blocks = [
        as_media(block, f"messages[{index}].content[{place}]") if block["type"] in _OPENAI_MEDIA else block
        for place, block in enumerate(content)
    ]
    return cast("Message", {**message, "content": blocks})


def _marked(request: ChatRequest, route: Route, prompt_caching: PromptCachingOption) -> ChatRequest:
    """The request with its breakpoints: those of its blocks, of the request itself, and planned ones."""
    request = without_refused_marks(request)
    body: dict[str, Any] = {**request}
    if mark := body.pop("cache_control", None):
        request = mark_last_block(cast("ChatRequest", body), encode_cache_control(mark, where="the request"))
    if not route.is_claude:
        warn_not_cached(prompt_caching, request.get("model"))
    elif caching := PromptCaching() if prompt_caching == "auto" else prompt_caching:
        request = plan_breakpoints(request, caching, keeps_ttl=True)
    check_breakpoints(request)
    return request


def _translate(body: dict[str, Any], models: Sequence[str], where: str = "") -> None:
    """Say OpenAI's parameters in Anthropic's words; what is warned of begins with where they stand."""
    if stop := body.pop("stop", None):
        body["stop_sequences"] = stop
    if user := body.pop("user", None):
        body["metadata"] = {"user_id": user, **(body.get("metadata") or {})}
    output: dict[str, Any] = {}
    asked = body.pop("reasoning_effort", None)
    if asked and (effort := fit_effort(asked, models)):
        output["effort"] = effort
    if output_format := _encode_format(body.pop("response_format", None), where):
        output["format"] = output_format
    if output:
        body["output_config"] = {**output, **(body.get("output_config") or {})}
    temperature = body.get("temperature")
    if temperature is not None and temperature > 1:
        warn(f"{where}temperature {temperature} is sent to Claude as 1: its range is 0 to 1")
        body["temperature"] = 1


def _encode_format(response_format: Any, where: str) -> dict[str, Any] | None:
    """OpenAI's ``response_format`` as Anthropic's ``output_config.format``."""
    if not isinstance(response_format, Mapping) or response_format.get("type") == "text":
        return None
    asked = response_format.get("json_schema")
    if response_format.get("type") == "json_schema" and isinstance(asked, Mapping) and asked.get("schema"):
        # What the schema is for has no other place; one that cannot be said in words that bind is Anthropic's to judge.
        purpose = {"description": asked["description"]} if asked.get("description") else {}
        schema = {**purpose, **asked["schema"]}
        return {"type": "json_schema", "schema": as_bound_schema(schema) or schema}
    warn(
        f"{where}response_format of type {response_format.get('type')!r} does not reach Claude: give a JSON schema "
        "({'type': 'json_schema', 'json_schema': {'name': …, 'schema': …}})"
    )
    return None


def carries_everything(route: Route) -> bool:
    """Tell whether ``/proxy/messages`` may be taken, or nothing is lost on ``/messages``."""
    is_free = route.only_anthropic and not route.is_guarded and not route.has_private_headers
    return route.gateway == "hosted" or is_free


def _path(body: dict[str, Any], route: Route) -> str:
    """The path that carries the request whole; what none can carry is left out with a warning."""
    lost = _lost(body, route)
    if not lost:
        return PATH
    if carries_everything(route):
        return PROXY_PATH
    why = "only Anthropic is served so"
    if route.is_guarded:
        why = "a config may hold guardrails, which it would skip"
    elif route.has_private_headers:
        why = "your own headers would go to the provider"
    for name in lost:
        del body[name]
        warn(f"{name} does not reach Claude: /messages of this gateway drops it, and of /proxy/messages {why}")
    return PATH


def _lost(body: Mapping[str, Any], route: Route) -> list[str]:
    """The parameters that ``/messages`` of this gateway drops."""
    if route.gateway == "hosted":
        return []
    unknown = sorted(body.keys() - _PASSED)
    return [name for name in unknown if not (name in LOSSES and LOSSES[name].is_carried(route.gateway))]


def _warn_about_losses(body: dict[str, Any], where: str = "") -> None:
    """Leave out what no Claude has, and what is misspelt; a name that nobody knows may be a new one of Anthropic's."""
    for name in sorted(body.keys() - _PASSED - _BY_PROXY):
        remedy = LOSSES[name].remedy if name in LOSSES else _probably_meant(name)
        if name in {"stream_options", "stream_usage"}:
            del body[name]
        elif remedy:
            del body[name]
            warn(f"{where}{name} does not reach Claude: {remedy}")


def _probably_meant(name: str) -> str:
    if name == "extra_headers":
        return "say default_headers, or betas"
    known = [*_PASSED, *_BY_PROXY, *_OPENAI, *GatewayFields.model_fields]
    return f"did you mean {meant!r}?" if (meant := meant_option(name, known)) else ""


def _as_blocks(system: Any) -> list[Any]:
    if system is None:
        return []
    return [{"type": "text", "text": system}] if isinstance(system, str) else list(system)


def _to_json(body: Mapping[str, Any]) -> bytes:
    try:
        return to_json(body, inf_nan_mode="strings")
    except PydanticSerializationError as error:
        raise unsendable(body, error) from error
