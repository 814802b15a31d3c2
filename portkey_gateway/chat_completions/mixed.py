"""A request that a config may send to a Claude or to another model: said so that each of its targets can take it. Pure.

Tried with the open-source gateway 1.15.2: OpenAI refuses keys that it does not know (``cache_control``), Claude refuses
empty texts, and the gateway tells Claude nothing of draft-7 ``definitions``. What a Claude refuses by its generation is
left out for all: a target that fails for it is no fallback. So is what a model of OpenAI's refuses by its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from portkey_gateway.caching.plan import PromptCachingOption
from portkey_gateway.chat_completions.fit_openai import fit_to_openai
from portkey_gateway.conversation.claude import (
    fit_models,
    thinks,
    thinks_to_a_budget,
    with_user_first,
    without_empty_text,
)
from portkey_gateway.conversation.last_word import with_user_last
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.conversation.schema import modernised
from portkey_gateway.conversation.tool_choice import encode_tool_choice
from portkey_gateway.conversation.tool_loop import loop_start
from portkey_gateway.errors import warn

_MARK: Final = "cache_control"
_MARKED: Final = ("content", "content_blocks", "tool_calls")


def as_every_target_takes_it(
    request: ChatRequest,
    prompt_caching: PromptCachingOption,
    claudes: Sequence[str],
    others: Sequence[str] = (),
    *,
    kept: frozenset[str] = frozenset(),
) -> ChatRequest:
    """Return the request without what one of its targets would refuse; it is not changed itself.

    Args:
        request: what to send.
        prompt_caching: what was to be marked for Claude's prompt cache; nothing is.
        claudes: the Claudes among the targets.
        others: the other models among them.
        kept: what only a target itself may be told to leave out, since a condition of the config reads it.

    Warns:
        PortkeyWarning: if something that was asked for is left out.
    """
    said = with_user_first(without_empty_text(request["messages"]))
    said = with_user_last(said, claudes, request, thinks=thinks(request.get("thinking")))
    told, had_marks = _without_marks(cast("ChatRequest", {**request, "messages": said}))
    if tools := told.get("tools"):
        told["tools"] = [*map(_plain_tool, tools)]
    if prompt_caching or had_marks:
        warn(
            "cache_control is left out, and nothing is marked for Claude's prompt cache: the config may send this call "
            "to a model that refuses it"
        )
    if "tool_choice" in told:
        told["tool_choice"] = encode_tool_choice(told["tool_choice"])
    if thinks_to_a_budget(told.get("thinking"), claudes) and loop_start(said):
        # Claude wants the thoughts before a call back as long as it thinks, and no form of them suits the others.
        warn(
            "thinking is left out: the config may send this call to a model that takes no thoughts back, and Claude "
            "thinks on after a tool's result only with those that it had before"
        )
        del told["thinking"]
    fit_models(told, claudes, kept=kept)
    fit_to_openai(told, others, kept=kept)
    if not told.get("stop"):
        told.pop("stop", None)
    return cast("ChatRequest", told)


def without_marks(request: ChatRequest, who: str) -> ChatRequest:
    """Return the request without marks for a prompt cache, which a provider does not know.

    Args:
        request: what to send; it is not changed.
        who: who does not know them; nobody, if it is empty.

    Warns:
        PortkeyWarning: if there are any.
    """
    told, had_marks = _without_marks(request) if who else ({}, False)
    if had_marks:
        warn(f"cache_control is left out: {who} takes no marks, and caches by itself where it caches")
    return cast("ChatRequest", told) if had_marks else request


def _without_marks(request: ChatRequest) -> tuple[dict[str, Any], bool]:
    """The request without marks, and whether it had any."""
    messages = [*map(_unmarked_message, request["messages"])]
    tools = request.get("tools") or []
    told: dict[str, Any] = {**_unmarked(request), "messages": messages}
    if tools:
        told["tools"] = [*map(_unmarked, tools)]
    return told, messages != request["messages"] or any(_MARK in each for each in (request, *tools))


def _unmarked_message(message: Mapping[str, Any]) -> dict[str, Any]:
    lists = {field: message[field] for field in _MARKED if isinstance(message.get(field), list)}
    return {**message, **{field: [*map(_unmarked, blocks)] for field, blocks in lists.items()}}


def _unmarked(block: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in block.items() if name != _MARK} if _MARK in block else block


def _plain_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    plain = dict(tool)
    function = plain.get("function")
    if isinstance(function, Mapping) and "parameters" in function:
        plain["function"] = {**function, "parameters": modernised(function["parameters"])}
    return plain
