"""A request → the body of ``POST /chat/completions``: checked against what the gateway would lose, then encoded once.

Every rule here answers an edge of the open-source gateway 1.15.2 (``providers/anthropic/chatComplete.ts``) that would
otherwise lose something without a word, or fail with a message that names nothing. ``losses`` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from pydantic_core import PydanticSerializationError, to_json

from portkey_gateway.caching.breakpoints import check_breakpoints, encode_cache_control, mark_last_block
from portkey_gateway.caching.plan import PromptCaching, PromptCachingOption, plan_breakpoints, warn_not_cached
from portkey_gateway.chat_completions.blocks import encode_message, says_something
from portkey_gateway.chat_completions.fit_config import fit_config, word_for
from portkey_gateway.chat_completions.fit_messages import as_texts, fit_messages
from portkey_gateway.chat_completions.fit_openai import fit_temperature, fit_to_openai
from portkey_gateway.chat_completions.fit_parameters import BY_ITSELF, EXPECTED, fit_parameters
from portkey_gateway.chat_completions.gemini_thinking import fit_thinking
from portkey_gateway.chat_completions.losses import BLOCK_LOSSES, PARAMETER_LOSSES, remedy
from portkey_gateway.chat_completions.mixed import as_every_target_takes_it, without_marks
from portkey_gateway.chat_completions.providers import find_provider, providers_of
from portkey_gateway.chat_completions.told_targets import hears_of_limit, warn_of_limit, warn_of_told
from portkey_gateway.chat_completions.tools import encode_tool
from portkey_gateway.chat_completions.warn_losses import warn_about_losses
from portkey_gateway.conversation.claude import default_max_tokens, fit_effort, prepare_for_claude, without_idle_effort
from portkey_gateway.conversation.parameters import with_one_name
from portkey_gateway.conversation.plain import Texts, beside_plain
from portkey_gateway.conversation.read_apart import tell_apart
from portkey_gateway.conversation.request import ChatRequest, Message
from portkey_gateway.conversation.tool_choice import ONE_CALL
from portkey_gateway.conversation.tools import is_toolset
from portkey_gateway.conversation.unsendable import unsendable
from portkey_gateway.errors import EncodingError, warn
from portkey_gateway.routing import LIMITED_BY_MAX_TOKENS, Route
from portkey_gateway.targets import read_by_conditions

PATH: Final = "/chat/completions"


class Encoded(NamedTuple):
    """A request, ready to be sent."""

    body: bytes
    config: dict[str, Any] | None
    """The config as its targets need it."""


def encode_request(
    request: ChatRequest,
    route: Route,
    *,
    prompt_caching: PromptCachingOption = None,
    config: dict[str, Any] | None = None,
) -> Encoded:
    """Encode a request that was checked as the body of ``POST /chat/completions``.

    The request itself is not changed.

    Args:
        request: what to send.
        route: where the call goes.
        prompt_caching: what to mark for Claude's prompt cache, beside what is marked.
        config: that of the call, where it is known.

    Raises:
        EncodingError: if it cannot be sent as it is; the message names the field and the fix.

    Warns:
        PortkeyWarning: if something will not reach the model, such as ``PromptCaching`` that is no Claude's.
    """
    claudes = route.claudes(str(request.get("model") or ""))
    read: dict[str, Any] = {}
    if claudes and route.gateway == "oss-1":
        request, config, read = tell_apart(request, config, route.provider, word_for)
    request = cast("ChatRequest", with_one_name(request))
    warn_of_told(route, request.get("max_tokens"))
    kept = read_by_conditions(config) if config else frozenset[str]()
    if route.is_mixed:
        others = [model for _, model in route.targets if model not in claudes]
        request = as_every_target_takes_it(request, prompt_caching, claudes, others, kept=kept)
        prompt_caching = None
    elif route.is_claude:
        request = cast("ChatRequest", without_idle_effort(request, claudes))
    body: dict[str, Any] = {**request}
    effort = body.get("reasoning_effort")
    if claudes and effort and PARAMETER_LOSSES["reasoning_effort"].is_carried(route.gateway):
        body["reasoning_effort"] = fit_effort(effort, claudes)
    messages = fit_messages(request["messages"], route, has_tools=bool(request.get("tools")))
    body["messages"] = as_texts(_encode_messages(messages, route), route)
    if route.is_claude:
        body = _for_claude(cast("ChatRequest", body), claudes, route, prompt_caching, kept)
    else:
        warn_not_cached(prompt_caching, request.get("model"))
        body = _for_others(cast("ChatRequest", body), route, kept)
    if config is not None:
        config = fit_config(config, body, request.get("max_tokens"), route)
    elif route.is_gemini:
        for _, model in route.targets:
            fit_thinking(body, model)
    fitted = _as_providers_take_it(body, request.get("max_tokens"), route, has_config=config is not None)
    return Encoded(_as_json(fitted | read), config)


def _encode_messages(messages: list[Message], route: Route) -> list[Message]:
    if type(messages) is Texts and all(messages.texts):
        return messages
    encoded = [*messages]
    for index, message in beside_plain(messages):
        encoded[index] = encode_message(cast("Message", message), f"messages[{index}]", route)
    return [each for each in encoded if each.get("content") or says_something(each)]


def _as_providers_take_it(body: dict[str, Any], limit: int | None, route: Route, *, has_config: bool) -> dict[str, Any]:
    """The body in the words that whoever may answer takes."""
    if "tool_choice" in body:
        body["tool_choice"] = _encode_choice(body["tool_choice"], route)
    if route.only_anthropic:
        return fit_parameters(body, route, has_config=has_config)
    _check_answers(body)
    fitted = fit_parameters(body, route, has_config=has_config)
    _fit_every_provider(fitted, limit, route)
    return fitted


def _as_json(body: Mapping[str, Any]) -> bytes:
    try:
        return to_json({name: value for name, value in body.items() if value is not None}, by_alias=False)
    except PydanticSerializationError as error:
        raise unsendable(body, error) from error


def _refusing_marks(route: Route) -> str:
    """Name who may answer, if none of them takes marks for a prompt cache; OpenAI answers 400 to one."""
    known = [find_provider(provider, model) for provider, model in route.targets]
    refusing = [provider.name for provider in known if provider and not (provider.is_claude or provider.takes_marks)]
    return " or ".join(dict.fromkeys(refusing)) if len(refusing) == len(known) else ""


def _for_claude(
    request: ChatRequest,
    claudes: tuple[str, ...],
    route: Route,
    prompt_caching: PromptCachingOption,
    kept: frozenset[str],
) -> dict[str, Any]:
    """The body as the gateway can carry it to Claude."""
    if route.is_mixed and request.get("max_tokens") is None:
        # One that the others can hold, too.
        request = {**request, "max_tokens": default_max_tokens(request.get("thinking"))}
    body = prepare_for_claude(request, claudes, kept)
    if tools := body.get("tools"):
        body["tools"] = [encode_tool(tool, route) for tool in tools if not _is_lost(tool, route)]
    mark = body.pop("cache_control", None)
    prepared = cast("ChatRequest", body)
    if mark:
        prepared = mark_last_block(prepared, encode_cache_control(mark, where="the request"))
    caching = PromptCaching() if prompt_caching == "auto" else prompt_caching
    if caching:
        keeps_ttl = BLOCK_LOSSES["ttl"].is_carried(route.gateway)
        prepared = plan_breakpoints(prepared, caching, keeps_ttl=keeps_ttl)
    check_breakpoints(prepared)
    warn_about_losses(_meant_for_claude(body, route), route)
    return cast("dict[str, Any]", prepared)


def _for_others(request: ChatRequest, route: Route, kept: frozenset[str]) -> dict[str, Any]:
    """The body as all others take it, whether a Claude may answer as well or not."""
    body: dict[str, Any] = {**without_marks(request, _refusing_marks(route))}
    models = [model for _, model in route.targets]
    if len(models) > 1:
        fit_to_openai(body, models, kept=kept)
    else:
        fit_temperature(body, models)
    if route.is_mixed:
        warn_about_losses(_meant_for_claude(body, route), route)
    if tools := body.get("tools"):
        body["tools"] = [encode_tool(tool, route) for tool in tools]
    return body


def _is_lost(tool: Mapping[str, Any], route: Route) -> bool:
    """Tell whether a tool stands for several, which the gateway tells Claude nothing of; and say so."""
    if is_lost := is_toolset(tool):
        why = remedy(PARAMETER_LOSSES["mcp_servers"], route)
        warn(f"the tools of {tool.get('mcp_server_name', tool['type'])!r} do not reach Claude: {why}")
    return is_lost


def _check_answers(body: Mapping[str, Any]) -> None:
    if body.get("stream") and (body.get("n") or 1) > 1:
        raise EncodingError(f"n={body['n']} asks for several answers, and a stream tells one: ask for whole ones")


def _fit_every_provider(body: dict[str, Any], limit: int | None, route: Route) -> None:
    """Say what OpenAI wants to be told in its newest words, which the gateway rewrites or drops for all others.

    Without ``include_usage`` a stream of OpenAI's tells no usage, and its reasoning models refuse ``max_tokens``. Tried
    on 17 routes of the open-source gateway 1.15.2; some providers know the older word only.
    """
    options = body.pop("stream_options", None)
    if body.get("stream"):
        body["stream_options"] = {"include_usage": True, **(options or {})}
    if body.get("max_tokens") is None or route.provider in LIMITED_BY_MAX_TOKENS or hears_of_limit(route):
        return
    if limit and not (route.falls_on_claude and limit == default_max_tokens(body.get("thinking"))):
        warn_of_limit(route)  # one that was asked for, and is not there for a Claude alone
    body["max_completion_tokens"] = body.pop("max_tokens")


def _encode_choice(choice: Any, route: Route) -> Any:
    if not isinstance(choice, Mapping) or ONE_CALL not in choice:
        return "required" if choice == "any" else choice
    warn(f"{ONE_CALL} does not reach Claude: {remedy(BLOCK_LOSSES['one_call'], route)}")
    rest = {name: value for name, value in choice.items() if name != ONE_CALL}
    return rest if rest["type"] == "function" else rest["type"]


def _meant_for_claude(body: Mapping[str, Any], route: Route) -> dict[str, Any]:
    """The parameters of a request that Claude should hear of: not what stands there for another target's sake."""
    meant = {name: value for name, value in body.items() if name != "stream_options"}
    if not route.is_mixed:
        return meant
    others = [each.parameters for each in providers_of(route) if not each.is_claude]
    return {
        name: value
        for name, value in meant.items()
        if value != BY_ITSELF.get(name) and (name in EXPECTED or not any(name in each for each in others))
    }
