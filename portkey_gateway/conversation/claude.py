"""What Claude asks of every request, in whichever API format it travels: pure.

Rules of Anthropic's Messages API that fail otherwise with a message that names nothing of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from portkey_gateway.conversation.last_word import with_user_last
from portkey_gateway.conversation.plain import Texts, all_say_something
from portkey_gateway.conversation.request import SYSTEM_ROLES, ChatRequest, ContentBlock, Message
from portkey_gateway.conversation.tool_choice import encode_tool_choice
from portkey_gateway.conversation.tool_loop import begins_in_thought, loop_start
from portkey_gateway.errors import EncodingError, warn
from portkey_gateway.models.claude import (
    effort_levels,
    has_every_effort,
    idles_below,
    samples_by_one,
    samples_freely,
    takes_forced_choice,
    thinks_adaptively,
    thinks_always,
    thinks_by_budget,
    thinks_unasked,
)
from portkey_gateway.models.facts import most_output

_PROPERTY: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_SAMPLING: Final = ("temperature", "top_p", "top_k")
_FITTED: Final = frozenset({"thinking", "reasoning_effort", "tool_choice", "stop", *_SAMPLING})
"""The parameters that a Claude may refuse."""
_LEAST_TOP_P_OF_THOUGHT: Final = 0.95
_NO_EFFORT: Final = "none"
_EFFORTS: Final = ("minimal", "low", "medium", "high", "xhigh", "max")
"""OpenAI's levels of effort and Anthropic's, from the least to the most."""
CONTINUED: Final = "(continued)"
"""What a user says before a conversation that begins with an answer."""
DEFAULT_MAX_TOKENS: Final = 4096
"""Sent to a Claude whose most is not known, when no ``max_tokens`` is given: Anthropic requires one, every Claude can
give as many, and ChatAnthropic says as many, too."""


AS_IF_UNSAID: Final[Mapping[str, Any]] = {"temperature": 1, "top_p": 1, "thinking": {"type": "disabled"}}
"""What says to a Claude the same as nothing, where something else is said already."""


def prepare_for_claude(
    request: ChatRequest,
    models: Sequence[str] = (),
    kept: frozenset[str] = frozenset(),
    *,
    is_counted: bool = False,
) -> dict[str, Any]:
    """Return the request as Claude takes it: without empty text, with ``max_tokens``, with a choice that it may obey.

    Args:
        request: what to send; it is not changed.
        models: every Claude that may answer, where that is not only the one that the request names.
        kept: what a condition of the config reads; each target is told apart what it refuses of that.
        is_counted: whether nobody is to answer: a part of a conversation may end with an answer.

    Raises:
        EncodingError: if a user says nothing, nobody but the system says anything, the choice of a tool is none, or a
            tool has an argument whose name Claude does not take.

    Warns:
        PortkeyWarning: if something is changed that was asked for.
    """
    body: dict[str, Any] = {**request}
    said = with_user_first(without_empty_text(request["messages"]))
    asked = models or (str(body.get("model") or ""),)
    if not is_counted:
        said = with_user_last(said, asked, body, thinks=thinks(body.get("thinking")))
    body["messages"] = said
    if body.get("max_tokens") is None:
        body["max_tokens"] = default_max_tokens(body.get("thinking"), models or (str(body.get("model") or ""),))
    if "tool_choice" in body:
        body["tool_choice"] = encode_tool_choice(body["tool_choice"])
    models = models or (str(body.get("model") or ""),)
    _check_properties(body.get("tools") or ())
    start = loop_start(body["messages"]) if thinks_to_a_budget(body.get("thinking"), models) else None
    if start and not begins_in_thought(start):
        warn(
            "thinking is left out until this loop of tool calls is over: it began without thoughts that Claude signed, "
            "and Claude thinks on with those alone"
        )
        del body["thinking"]
    fit_models(body, models, kept=kept)
    return body


def default_max_tokens(thinking: Mapping[str, Any] | None, models: Sequence[str] = ()) -> int:
    """The limit where a request has none: the most that all of these Claudes give, so that none is cut short.

    Of one whose most is not known it is few, and the budget of its thinking beside them: Anthropic refuses a budget
    that ``max_tokens`` cannot hold.

    Args:
        thinking: that of the request.
        models: every Claude that may answer; none where others may answer as well, whose most may be less.
    """
    unknown = DEFAULT_MAX_TOKENS + ((thinking or {}).get("budget_tokens") or 0)
    return min((most_output(model) or unknown for model in models), default=unknown)


def refusing(models: Sequence[str], takes: Callable[[str], bool]) -> str:
    """The first of these models that a rule does not hold for; empty if it holds for all."""
    return next((model for model in models if not takes(model)), "")


def may_force_tools(models: Sequence[str], thinking: Mapping[str, Any] | None) -> bool:
    """Tell whether a ``tool_choice`` may make these Claudes call a tool: not while they think, and the newest never."""
    return all(map(takes_forced_choice, models)) and not thinks(thinking)


def with_shown_thoughts(request: Mapping[str, Any], models: Sequence[str]) -> dict[str, Any]:
    """Who says how much to think wants to see it: models with every level of effort hide it unless they are asked."""
    says_effort = request.get("reasoning_effort") and request.get("thinking") is None
    if not says_effort or request["reasoning_effort"] == _NO_EFFORT or not all(map(has_every_effort, models)):
        return {**request}
    return {**request, "thinking": {"type": "adaptive", "display": "summarized"}}


def without_idle_effort(request: Mapping[str, Any], models: Sequence[str]) -> dict[str, Any]:
    """Say ``reasoning_effort="none"`` in Claude's words, which has no such level: by what it is told of thinking.

    Warns:
        PortkeyWarning: if one of the models thinks nevertheless.
    """
    said = {**request}
    if said.get("reasoning_effort") != _NO_EFFORT:
        return said
    del said["reasoning_effort"]
    if said.get("thinking") is None:
        if model := refusing(models, lambda model: not thinks_always(model)):
            warn(f"reasoning_effort 'none' is left out: thinking of {model} cannot be switched off")
        elif any(map(thinks_unasked, models)):
            said["thinking"] = {"type": "disabled"}
    elif thinks(said["thinking"]):
        warn("reasoning_effort 'none' is left out: thinking is asked for beside it")
    return said


def fit_effort(asked: str, models: Sequence[str]) -> str | None:
    """Return the level of effort that all of these Claudes have: OpenAI's and Anthropic's names are not all the same.

    Warns:
        PortkeyWarning: if it is not the one that was asked for.
    """
    model = refusing(models, lambda model: asked in effort_levels(model))
    if not model:
        return asked
    levels = [level for level in _EFFORTS if all(level in effort_levels(each) for each in models)]
    known = levels and asked in _EFFORTS
    below = [level for level in levels if known and _EFFORTS.index(level) <= _EFFORTS.index(asked)]
    nearest = (below[-1] if below else levels[0]) if known else None
    said = f"is sent as {nearest!r}" if nearest else "is left out"
    own = ", ".join(effort_levels(model)) or "no levels of effort"
    warn(f"reasoning_effort {asked!r} {said}: {model} has {own}")
    return nearest


def fit_models(
    body: dict[str, Any], models: Sequence[str], where: str = "", kept: frozenset[str] = frozenset()
) -> None:
    """Leave out, or say otherwise, what one of these Claudes would refuse.

    Args:
        body: a request with its ``tool_choice`` encoded; it is changed.
        models: every Claude that may answer.
        where: what a warning begins with, if the request is not where it is said.
        kept: what is not looked at, as far as a target can be told that it is as if unsaid (``AS_IF_UNSAID``).

    Warns:
        PortkeyWarning: if something is changed, naming the model that it is for.
    """
    if _FITTED.isdisjoint(body):
        return
    held = {name: body.pop(name) for name in kept & AS_IF_UNSAID.keys() & body.keys()}
    for said in (
        *_fit_thinking(body, models),
        *_fit_idle_effort(body, models),
        *_fit_choice(body, models),
        *_fit_sampling(body, models),
    ):
        warn(where + said)
    body |= held


def _fit_choice(body: dict[str, Any], models: Sequence[str]) -> Iterator[str]:
    if forces_a_tool(body.get("tool_choice")) and not may_force_tools(models, body.get("thinking")):
        model = refusing(models, takes_forced_choice)
        why = f"({model} takes no such choice)" if model else "while it thinks"
        yield f"tool_choice is sent as 'auto': Claude cannot be made to call a tool {why}"
        body["tool_choice"] = "auto"
    if stops := body.get("stop"):
        body["stop"] = [text for text in stops if text.strip()]
        if len(body["stop"]) < len(stops):
            yield "a text of white space in stop is left out: Claude stops at none"


def _fit_sampling(body: dict[str, Any], models: Sequence[str]) -> Iterator[str]:
    says_both = body.get("temperature") is not None and body.get("top_p") is not None
    if says_both and (model := refusing(models, lambda model: not samples_by_one(model))):
        yield f"top_p is left out: {model} takes temperature or top_p, not both"
        del body["top_p"]
    for name in _SAMPLING:
        if body.get(name) is not None and (why := _why_not_sampled(name, body[name], models, body.get("thinking"))):
            yield f"{name} is left out: {why}"
            del body[name]


def _fit_thinking(body: dict[str, Any], models: Sequence[str]) -> Iterator[str]:
    thinking: Mapping[str, Any] = body.get("thinking") or {}
    kind = thinking.get("type")
    by_no_budget, not_adaptively = refusing(models, thinks_by_budget), refusing(models, thinks_adaptively)
    if kind == "enabled" and by_no_budget and not not_adaptively:
        yield (
            f"thinking is sent as {{'type': 'adaptive'}}: {by_no_budget} takes no budget_tokens; say how much to think "
            "with reasoning_effort"
        )
        kept = {name: value for name, value in thinking.items() if name not in {"type", "budget_tokens"}}
        body["thinking"] = {**kept, "type": "adaptive"}
    elif kind == "enabled" and by_no_budget:
        yield f"thinking is left out: {by_no_budget} takes no budget_tokens, and {not_adaptively} nothing else"
        del body["thinking"]
    elif kind == "adaptive" and not_adaptively:
        yield f"thinking is left out: {not_adaptively} does not think adaptively, only by budget_tokens"
        del body["thinking"]
    elif kind == "disabled" and (model := refusing(models, lambda model: not thinks_always(model))):
        yield f"thinking is left out: that of {model} cannot be switched off"
        del body["thinking"]


def _fit_idle_effort(body: dict[str, Any], models: Sequence[str]) -> Iterator[str]:
    asked, kind = body.get("reasoning_effort"), (body.get("thinking") or {}).get("type")
    if kind == "disabled" and (model := refusing(models, lambda model: asked not in idles_below(model))):
        yield f"reasoning_effort {asked!r} is sent as 'high': {model} takes no more where thinking is switched off"
        body["reasoning_effort"] = "high"


def _check_properties(tools: Sequence[Mapping[str, Any]]) -> None:
    """Check the names of the arguments of tools: one that does not fit spoils the request, and names its number only.

    Raises:
        EncodingError: naming the tool, the argument, and what Claude takes.
    """
    for tool in tools:
        function = tool.get("function") or {}
        properties = (function.get("parameters") or {}).get("properties")
        for name in properties if isinstance(properties, Mapping) else ():
            if not _PROPERTY.fullmatch(str(name)):
                raise EncodingError(
                    f"tool {function.get('name')!r} has an argument {name!r}: Claude takes letters, digits, '_', '.' "
                    "and '-' in names of arguments, 64 at most; rename it, or leave the tool out"
                )


def _why_not_sampled(name: str, value: Any, models: Sequence[str], thinking: Mapping[str, Any] | None) -> str:
    """Why Claude would refuse a parameter of sampling; nothing if it takes it (Anthropic, "Extended thinking")."""
    if model := refusing(models, samples_freely):
        return f"{model} takes none"
    if not thinks(thinking) or (name == "temperature" and value == 1):
        return ""
    if name == "top_p":
        return (
            "" if value >= _LEAST_TOP_P_OF_THOUGHT else f"Claude takes {_LEAST_TOP_P_OF_THOUGHT} to 1 while it thinks"
        )
    return "Claude takes none while it thinks"


def thinks_to_a_budget(thinking: Mapping[str, Any] | None, models: Sequence[str]) -> bool:
    """Tell whether Claude is to think as much as told: then thoughts of a loop have to go back, else they may."""
    return (thinking or {}).get("type") == "enabled" and all(map(thinks_by_budget, models))


def thinks(thinking: Mapping[str, Any] | None) -> bool:
    """Tell whether a ``thinking`` parameter turns thinking on; Claude then takes no forced tool choice."""
    return thinking is not None and str(thinking.get("type", "disabled")) != "disabled"


def forces_a_tool(choice: str | Mapping[str, Any] | None) -> bool:
    """Tell whether a ``tool_choice`` leaves the model no choice but to call a tool."""
    kind = choice.get("type") if isinstance(choice, Mapping) else choice
    return kind not in (None, "auto", "none")


def as_said_before(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block of an answer for its replay: Anthropic tells the id of a cited file, but does not take it back."""
    if not (block["type"] == "text" and block.get("citations")):
        return dict(block)
    citations = [{name: value for name, value in each.items() if name != "file_id"} for each in block["citations"]]
    return {**block, "citations": citations}


def without_empty_text(messages: list[Message]) -> list[Message]:
    """Leave out empty text, or white space alone, which Anthropic refuses, and messages that say nothing.

    The gateway drops a whole system message whose first block is empty, and sends ``""`` on as an empty block.
    """
    is_said = type(messages) is Texts and all_say_something(messages)
    kept = messages if is_said else [*_without_empty_text(messages)]
    if all(message["role"] in SYSTEM_ROLES for message in kept):
        raise EncodingError("messages holds system messages only: Claude needs at least one user message")
    return kept


def _without_empty_text(messages: list[Message]) -> Iterator[Message]:
    for index, message in enumerate(messages):
        text = message.get("content")
        if type(text) is str and text and not text.isspace() and "content_blocks" not in message:
            yield message
            continue
        trimmed = message
        for field in ("content", "content_blocks"):
            blocks = message.get(field)
            if isinstance(blocks, list) and any(_is_empty_text(block) for block in blocks):
                kept_blocks = [block for block in blocks if not _is_empty_text(block)]
                trimmed = cast("Message", {**trimmed, field: kept_blocks})
        content = trimmed.get("content")
        if isinstance(content, str) and content and not content.strip() and message.get("tool_calls"):
            # White space beside a tool call, as some models write it.
            trimmed = cast("Message", {**trimmed, "content": ""})
        if _says_something(content) or trimmed.get("tool_calls") or trimmed.get("content_blocks"):
            yield trimmed
        elif message["role"] == "tool":
            # An empty tool result is an answer too, and Anthropic takes one; an empty list of blocks it takes as well.
            yield cast("Message", {**message, "content": ""})
        elif message["role"] == "user":
            raise EncodingError(f"messages[{index}] (user) is empty: Claude refuses empty text; leave the message out")


def with_user_first(messages: list[Message]) -> list[Message]:
    """Let a user speak before an answer with which a conversation begins, as Anthropic wants it.

    A greeting begins one, and what is left of a history that was cut.
    """
    first = next((index for index, message in enumerate(messages) if message["role"] not in SYSTEM_ROLES), 0)
    if messages[first]["role"] != "assistant":
        return messages
    return [*messages[:first], {"role": "user", "content": CONTINUED}, *messages[first:]]


def _says_something(content: str | list[ContentBlock] | None) -> bool:
    return bool(content.strip() if isinstance(content, str) else content)


def _is_empty_text(block: ContentBlock) -> bool:
    return block["type"] == "text" and not block["text"].strip()
