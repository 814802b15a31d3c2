"""One call, encoded: its path, headers and body in the API format of its route, and how its answer is decoded. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from pydantic_core import from_json

from portkey_gateway.caching.plan import PromptCachingOption
from portkey_gateway.chat_completions import encode as chat_completions
from portkey_gateway.chat_completions import stream as chat_completions_stream
from portkey_gateway.chat_completions.fit_parameters import carries
from portkey_gateway.chat_completions.losses import PARAMETER_LOSSES
from portkey_gateway.chat_completions.providers import providers_of
from portkey_gateway.chat_completions.tools import as_received
from portkey_gateway.conversation.betas import needed_betas
from portkey_gateway.conversation.bound_schema import as_bound_schema
from portkey_gateway.conversation.call_ids import with_fitting_ids
from portkey_gateway.conversation.checks import check_request
from portkey_gateway.conversation.claude import default_max_tokens
from portkey_gateway.conversation.drawn import without_drawn
from portkey_gateway.conversation.fold import Decoding
from portkey_gateway.conversation.parameters import without_empty
from portkey_gateway.conversation.plain import Texts, beside_plain, role_of, seen
from portkey_gateway.conversation.request import ChatRequest, Tool
from portkey_gateway.conversation.results import check_results, with_results_behind_calls
from portkey_gateway.conversation.taken_back import as_taken_back
from portkey_gateway.conversation.tool_names import fitting_names, renamed
from portkey_gateway.conversation.tools import as_function
from portkey_gateway.errors import EncodingError
from portkey_gateway.messages import encode as messages
from portkey_gateway.messages import stream as messages_stream
from portkey_gateway.messages.losses import LOSSES as MESSAGES_LOSSES
from portkey_gateway.models.claude import takes_schemas
from portkey_gateway.routing import Route
from portkey_gateway.targets import read_config, render_config

USER_LABEL: Final = "_user"
"""The label by which Portkey tells users apart; Anthropic's own word for it is ``metadata.user_id``."""
_BETA: Final = "x-portkey-anthropic-beta"
_VERSION: Final = "x-portkey-anthropic-version"
_CONFIG: Final = "x-portkey-config"
_CODE: Final = "code_execution"
_FORWARDED: Final = "x-portkey-forward-headers"
PROFILE: Final = "anthropic-user-profile-id"
"""The header in which Anthropic reads for whom a call is made."""
_IN_HEADERS: Final = {
    "user_profile_id": PROFILE,
    "workspace_id": "anthropic-workspace-id",
}
"""What Anthropic reads of a request in headers (its SDK 2.14, ``beta.messages.create``); in the body it is a 400."""
_LIMITS: Final = ("max_tokens", "max_completion_tokens")
# The gateway passes a client's headers on to the provider there, and cannot read every encoding that httpx can.
_PROXIED: Final = {"accept-encoding": "gzip, deflate"}


class EncodedCall(NamedTuple):
    """What is sent, and how to read what comes back."""

    path: str
    headers: dict[str, str]
    body: bytes
    decoding: Decoding


def encode_call(
    request: ChatRequest,
    route: Route,
    headers: Mapping[str, str],
    *,
    prompt_caching: PromptCachingOption = None,
) -> EncodedCall:
    """Encode one request for an answer.

    Args:
        request: what to send; ``betas`` in it, a list of Anthropic's beta features, are added to those of the options.
        route: where the call goes.
        headers: those of the options and of this call.
        prompt_caching: what to mark for Claude's prompt cache, beside what is marked.

    Raises:
        EncodingError: if it cannot be sent as it is.
    """
    request, names = _fitted(request, route, is_checked=route.is_claude)
    own_names = {fitted: name for name, fitted in names.items()}
    kept, betas = _take_betas(request, headers, route)
    kept, request = _take_headers(request, kept, route)
    asked = cast("ChatRequest", {name: value for name, value in request.items() if name != "betas"})
    config = read_config(kept[_CONFIG]) if _CONFIG in kept else None
    if route.api_format == "chat_completions":
        if route.falls_on_claude and _CONFIG in kept and config is None and not any(map(asked.get, _LIMITS)):
            # Into a config that is saved nothing can be put: the limit that Claude requires holds for all.
            asked = {**asked, "max_tokens": default_max_tokens(asked.get("thinking"))}
        if route.only_anthropic and (user := _user(kept)):
            asked = {"user": user, **asked}  # the gateway's word for Anthropic's ``metadata.user_id``
        asked = cast("ChatRequest", {**asked, **betas})
        body, fitted = chat_completions.encode_request(asked, route, prompt_caching=prompt_caching, config=config)
        path = chat_completions.PATH
        decoding = chat_completions_stream.DECODING
        if of_code := frozenset(_called_by_code(asked, own_names)):
            decoding = decoding._replace(of_code=of_code)
    else:
        path, body, fitted = messages.encode_request(
            asked, route, prompt_caching=prompt_caching, user_id=_user(kept), betas=betas, config=config
        )
        decoding = messages_stream.DECODING
    if path == messages.PROXY_PATH:
        kept.pop("traceparent", None)  # what is not the gateway's own goes to the provider there
        kept |= {name.replace("_", "-"): value for name, value in betas.items()} | _PROXIED
    if fitted is not None and fitted != config:
        kept[_CONFIG] = render_config(fitted)
    return EncodedCall(path, kept, body, decoding._replace(names=own_names) if names else decoding)


def encode_count_call(request: ChatRequest, route: Route, headers: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    """Encode what is counted of a request, as Claude would receive it in the format of its route.

    Args:
        request: what would be sent.
        route: where the call would go.
        headers: those of the options.

    Returns:
        The headers and the body.

    Raises:
        EncodingError: if the request cannot be sent as it is.
    """
    request, _ = _fitted(request, route, is_checked=False)
    kept, betas = _take_betas(request, headers, route)
    kept, request = _take_headers(request, kept, route)
    tools = request.get("tools")
    if tools and route.api_format == "chat_completions":
        request = {**request, "tools": [as_received(tool, route) for tool in tools]}
    return kept, messages.encode_count(request, route, betas)


def binds_answers(route: Route, model: str, schema: Mapping[str, Any], *, has_tools: bool = False) -> bool:
    """Tell whether ``response_format`` binds the answer to a schema of its own, so that no tool has to stand for it.

    Of a Claude it does where each that may answer knows it, the schema can be said in the words that bind, and the
    route carries it; of any other model it is the provider's matter. Where either may answer, it has to reach both.

    Args:
        route: where the call goes.
        model: the name that the request gives.
        schema: that of the answer.
        has_tools: whether tools are offered, too, beside which not every provider binds.
    """
    claudes = route.claudes(model)
    if claudes and not (all(map(takes_schemas, claudes)) and as_bound_schema(schema) is not None):
        return False
    if route.api_format == "chat_completions":
        binds_beside_tools = all(each.binds_beside_tools for each in providers_of(route))
        if not carries(route, "response_format") or (has_tools and not binds_beside_tools):
            return False
    if not claudes and not route.is_mixed:
        return True
    if route.api_format == "chat_completions":
        return PARAMETER_LOSSES["response_format"].is_carried(route.gateway)
    return messages.carries_everything(route) or MESSAGES_LOSSES["output_config"].is_carried(route.gateway)


def offers_tools(route: Route) -> bool:
    """Tell whether tools reach everyone who may answer, as far as is known."""
    return route.api_format == "messages" or carries(route, "tools")


def _fitted(request: ChatRequest, route: Route, *, is_checked: bool) -> tuple[ChatRequest, dict[str, str]]:
    """The request with ids, results and names of tools as every provider takes them, and the names that changed.

    Args:
        request: it is checked for what is no request at all.
        route: where the call goes.
        is_checked: whether each call needs its result, too.
    """
    if type(request.get("messages")) is list:
        request = {**request, "messages": seen(request["messages"])}
    check_request(request)
    request = cast("ChatRequest", without_empty(request))
    if tools := request.get("tools"):
        request = {**request, "tools": [cast("Tool", as_function(tool)) for tool in tools]}
    if route.is_claude or route.falls_on_claude:
        request = {**request, "messages": as_taken_back(request["messages"])}
    # Long histories are mostly text.
    if _speak_of_tools(request["messages"]):
        messages = with_results_behind_calls(with_fitting_ids(request["messages"]))
        if not route.is_gemini:
            messages = without_drawn(messages)
        if is_checked:
            check_results(messages)
        request = {**request, "messages": messages}
        names = fitting_names(request.get("tools") or (), messages)
    else:
        names = fitting_names(request.get("tools") or ())
    return (renamed(request, names) if names else request), names


def _called_by_code(request: ChatRequest, own_names: Mapping[str, str]) -> Iterator[str]:
    """The names of the tools that take arguments and that code which Claude runs may call."""
    for tool in request.get("tools") or ():
        told: Mapping[str, Any] = {**tool.get("function", {}), **tool}
        callers = told.get("allowed_callers") or ()
        takes_arguments = bool((told.get("parameters") or {}).get("properties"))
        if takes_arguments and any(str(caller).startswith(_CODE) for caller in callers):
            yield own_names.get(told["name"], told["name"])


def _speak_of_tools(messages: Sequence[Mapping[str, Any]]) -> bool:
    if type(messages) is Texts:
        return False
    return "tool" in map(role_of, messages) or any(
        message["role"] == "assistant" and ("tool_calls" in message or not isinstance(message.get("content"), str))
        for _, message in beside_plain(messages)
    )


def _user(headers: Mapping[str, str]) -> str | None:
    """Who asks, as the gateway is told too: what ``metadata_keys`` holds back is not told to Anthropic either."""
    told = headers.get("x-portkey-metadata", "")
    return from_json(told).get(USER_LABEL) if USER_LABEL in told else None


def _take_headers(request: ChatRequest, headers: dict[str, str], route: Route) -> tuple[dict[str, str], ChatRequest]:
    """Part a request from what Claude is told in headers, which the gateway passes on if it is told to.

    Where another model may answer, too, it stays in the request, and a loss there: nobody else is to read it.

    Raises:
        EncodingError: if one of them is no text.
    """
    if _IN_HEADERS.keys().isdisjoint(request) or not route.is_claude or route.is_mixed:
        return headers, request
    told: dict[str, Any] = {header: value for name, header in _IN_HEADERS.items() if (value := request.get(name))}
    for value in told.values():
        if not isinstance(value, str):
            raise EncodingError(f"{' and '.join(_IN_HEADERS)} must be texts; got {value!r}")
    names = [name for name in headers.get(_FORWARDED, "").split(",") if name]
    rest = {name: value for name, value in request.items() if name not in _IN_HEADERS}
    return {**headers, **told, **({_FORWARDED: ",".join([*names, *told])} if told else {})}, cast("ChatRequest", rest)


def _take_betas(
    request: Mapping[str, Any], headers: Mapping[str, str], route: Route
) -> tuple[dict[str, str], dict[str, str]]:
    """Part the headers from what of them has to travel otherwise.

    The open-source gateway ignores the headers of ``anthropic_beta`` and ``anthropic_version`` where a config names a
    provider or targets, while it reads both from the body on every route but ``/proxy`` (1.15.2, tried).
    """
    kept = dict(headers)
    given_betas = request.get("betas") or ()
    plain = kept.pop("anthropic-beta", None)
    needed = needed_betas(request) if route.is_claude or route.falls_on_claude else ()
    wanted = [plain, kept.get(_BETA), *([given_betas] if isinstance(given_betas, str) else given_betas), *needed]
    beta = ",".join(dict.fromkeys(each.strip() for text in wanted if text for each in text.split(",")))
    if route.gateway == "hosted" or not (route.is_claude or route.falls_on_claude):
        if beta:
            kept[_BETA] = beta
        return kept, {}
    kept.pop(_BETA, None)
    version = kept.pop(_VERSION, None)
    given = {"anthropic_beta": beta, "anthropic_version": version}
    return kept, {name: value for name, value in given.items() if value}
