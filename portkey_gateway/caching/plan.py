"""Prompt caching without marks of one's own: where breakpoints go so that each turn reads what the last one wrote.

Rules of Anthropic ("Prompt caching") that the plan rests on: a breakpoint writes the prefix that it ends; the next
request reads the longest prefix written that ends at one of its own breakpoints, or at most twenty blocks before one;
four breakpoints at most; one of an hour never after one of five minutes. A prefix that is too short is not cached, and
its breakpoint costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from portkey_gateway.caching.breakpoints import (
    CONVERSATION,
    MAX_BREAKPOINTS,
    TOOLS,
    Place,
    find_marks,
    last_place,
    put_marks,
)
from portkey_gateway.conversation.request import SYSTEM_ROLES, CacheControl, ChatRequest, Message
from portkey_gateway.errors import warn
from portkey_gateway.models.claude import takes_system_amid
from portkey_gateway.names import check_names

LOOKBACK_BLOCKS: Final = 20
"""How far before a breakpoint Anthropic looks for what was written."""

_MARKS: Final[dict[str, CacheControl]] = {"5m": {"type": "ephemeral"}, "1h": {"type": "ephemeral", "ttl": "1h"}}
# The open-source gateway 1.15.2 passes on what these roles said as it is, and drops the ttl everywhere else.
_TTL_PASSES: Final = frozenset({"assistant", "tool"})


class PromptCaching(BaseModel):
    """Which parts of every request Claude shall cache, and for how long; frozen, and a typo is an error.

    What is written to the cache costs 1.25 times the price of input (twice for an hour), what is read a tenth
    (Anthropic, "Prompt caching"). So a part is worth marking if another call soon begins in the same way.

    Raises:
        pydantic.ValidationError: (a ``ValueError``) naming the field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ttl: Literal["5m", "1h"] = "5m"
    """How long a prefix is kept after it was last read. Over chat completions the open-source gateway makes five
    minutes of an hour."""
    tools: bool = True
    """Mark the last tool, for calls that share their tools and differ in their system message."""
    system: bool = True
    """Mark the end of the system messages, for calls that share these."""
    messages: bool = True
    """Mark the end of the conversation, for conversations that go on: the next turn reads it."""

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            check_names(values, cls.model_fields)
        return values

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if not (self.tools or self.system or self.messages):
            raise ValueError("tools, system and messages are all False: nothing is left to mark; use None instead")
        return self


PromptCachingOption: TypeAlias = PromptCaching | Literal["auto"] | None
"""``None``: explicit marks only; ``"auto"``: planned ones too, for five minutes; or what to plan."""


def read_prompt_caching(value: Any) -> PromptCachingOption:
    """Read the option as a user gave it; a mapping of ``PromptCaching``'s fields is as good as the object.

    Raises:
        ValueError: if it is anything else, naming the fields and what they take.
    """
    if value is None or isinstance(value, PromptCaching):
        return value
    if isinstance(value, str) and value == "auto":
        return "auto"
    if not isinstance(value, Mapping):
        raise ValueError(f"prompt_caching must be None, 'auto' or PromptCaching(ttl='5m' or '1h', …); got {value!r}")
    try:
        return PromptCaching.model_validate(value)
    except ValidationError as error:
        told = "; ".join(".".join(["prompt_caching", *map(str, e["loc"])]) + f": {e['msg']}" for e in error.errors())
        raise ValueError(told) from None


def warn_not_cached(caching: PromptCachingOption, model: str | None) -> None:
    """Warn that breakpoints were asked for of a model that is no Claude; ``"auto"`` leaves those alone."""
    if isinstance(caching, PromptCaching):
        warn(
            f"prompt_caching marks nothing for model {model!r}: by its name it is no Claude, and other models cache by "
            "themselves; 'auto' leaves them alone without a warning"
        )


def plan_breakpoints(request: ChatRequest, caching: PromptCaching, *, keeps_ttl: bool = False) -> ChatRequest:
    """Return the request with automatic breakpoints beside its explicit ones, four in all at most.

    They go, as far as there is room, to the end of the conversation, to the end of the system messages, to where an
    earlier request ended that the first does not look back to, and to the last tool.

    Args:
        request: for Claude, without empty texts.
        caching: what to mark, and for how long.
        keeps_ttl: whether the gateway passes on ``ttl`` wherever it stands.

    Raises:
        EncodingError: if an explicit mark is not a ``cache_control`` that Anthropic knows.
    """
    explicit = find_marks(request)
    room = max(0, MAX_BREAKPOINTS - len(explicit))
    planned = [place for place in dict.fromkeys(_wanted(request, caching)) if place not in explicit][:room]
    if not planned:
        return request
    ttls = _fit_ttls(request, explicit, planned, caching.ttl, keeps_ttl=keeps_ttl)
    return put_marks(request, {place: _MARKS[ttl] for place, ttl in ttls.items()})


def _wanted(request: ChatRequest, caching: PromptCaching) -> Iterator[Place]:
    """The places to mark, the most useful ones first."""
    messages, tools = request["messages"], request.get("tools")
    conversation = [index for index, message in enumerate(messages) if message["role"] not in SYSTEM_ROLES]
    system = [index for index, message in enumerate(messages) if message["role"] in SYSTEM_ROLES]
    if takes_system_amid(str(request.get("model"))):
        # What is said amid the conversation is new to this turn: those before it have to be read without it.
        system = [index for index in system if not conversation or index < conversation[0]]
    before = _out_of_reach(messages, conversation)
    places = (
        last_place(messages, conversation) if caching.messages else None,
        last_place(messages, system) if caching.system else None,
        last_place(messages, before) if caching.messages else None,
        _last_tool(tools or ()) if caching.tools else None,
    )
    return (place for place in places if place)


def _last_tool(tools: Sequence[Mapping[str, Any]]) -> Place | None:
    """The last tool that can carry a mark: one that Claude has to search for first cannot (its answer to one)."""
    indices = (index for index, tool in reversed([*enumerate(tools)]) if not _is_deferred(tool))
    index = next(indices, None)
    return None if index is None else Place(TOOLS, index)


def _is_deferred(tool: Mapping[str, Any]) -> bool:
    return bool(tool.get("defer_loading") or tool.get("function", {}).get("defer_loading"))


def _out_of_reach(messages: Sequence[Message], conversation: list[int]) -> list[int]:
    """The conversation up to where the latest request ended to which a breakpoint at its end does not look back.

    Requests ended where answers begin. It is the last one where more than twenty blocks follow, as after many parallel
    tool calls; else one of some turns before: where tools went and come back, the last request that began like this one
    was not the one before. Where all are within reach, it is the last one.
    """
    blocks = 0
    ends: list[int] = []
    for position in reversed(range(len(conversation))):
        message = messages[conversation[position]]
        blocks += _count_blocks(message)
        if message["role"] == "assistant":
            ends.append(position)
            if blocks >= LOOKBACK_BLOCKS:
                return conversation[:position]
    return conversation[: ends[0]] if ends else []


def _count_blocks(message: Mapping[str, Any]) -> int:
    content: Any = message.get("content_blocks") or message.get("content")
    # Of a tool message all parts are one block, its result.
    is_list = isinstance(content, list) and message["role"] != "tool"
    return (len(content) if is_list else bool(content)) + len(message.get("tool_calls") or ())


def _fit_ttls(
    request: ChatRequest,
    explicit: Mapping[Place, CacheControl],
    planned: list[Place],
    ttl: str,
    *,
    keeps_ttl: bool,
) -> dict[Place, str]:
    """Give each planned place a ttl such that none of an hour follows one of five minutes when it reaches Claude.

    Before an explicit hour an hour is planned too: it covers the same tokens. After five minutes none is.
    """
    last_hour = max((place for place, mark in explicit.items() if mark.get("ttl") == "1h"), default=None)
    is_short = ttl == "5m"
    fitted = {}
    for place in sorted([*explicit, *planned]):
        if place in explicit:
            is_short = is_short or explicit[place].get("ttl", "5m") == "5m"
            continue
        # Where the gateway makes five minutes of the hours before, an hour that it passes on would be refused.
        is_short = is_short or (not keeps_ttl and _passes_ttl(request, place))
        before_an_hour = last_hour is not None and place < last_hour
        fitted[place] = "5m" if is_short and not before_an_hour else "1h"
    return fitted


def _passes_ttl(request: ChatRequest, place: Place) -> bool:
    return place.section == CONVERSATION and request["messages"][place.index]["role"] in _TTL_PASSES
