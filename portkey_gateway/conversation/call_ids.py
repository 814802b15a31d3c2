"""Ids of tool calls as every provider takes them: letters, digits, ``_`` and ``-``, each once in a conversation. Pure.

Histories come from everywhere: local servers count ``call_0`` in every turn, Kimi writes ``functions.f:0``,
LlamaIndex's class for Ollama gives no id and answers under the tool's name, Gemini on Vertex gives one id to several
calls, vLLM writes ``chatcmpl-tool-`` and 32 digits. Anthropic or OpenAI refuses each of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from portkey_gateway.conversation.request import Message
from portkey_gateway.errors import EncodingError

# OpenAI takes no more than 40 characters, Anthropic any number.
_FITS: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]+")
# There is room for a number behind it.
_LONGEST_STEM: Final = 32


class _Call(NamedTuple):
    """A call whose result has not come yet."""

    given: str
    name: str
    sent: str


def with_fitting_ids(messages: list[Message]) -> list[Message]:
    """Return the messages with ids that fit, the same on a call and on its result.

    An id that fits and is new is kept. Any other becomes one that depends on nothing but what stands before it, so that
    the beginning of a conversation, which may be cached, stays as it was when the conversation grows.

    A result belongs to the call that waits under its id, of several to the first in the latest turn; else to one
    without an id that called a tool of that name. A result without an id belongs to the first call that waits.

    Args:
        messages: of a conversation; they are not changed. An id that is not known is empty.

    Raises:
        EncodingError: if a result names no call, and none waits.
    """
    ids = _Ids()
    return [ids.fit(message, index) for index, message in enumerate(messages)]


class _Ids:
    """The ids of a conversation as far as it was read."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._waiting: list[_Call] = []

    def fit(self, message: Message, index: int) -> Message:
        if message["role"] == "assistant":
            return self._fit_calls(message)
        return self._fit_result(message, index) if message["role"] == "tool" else message

    def _fit_calls(self, message: Message) -> Message:
        content = message.get("content")
        blocks = content if isinstance(content, list) else []
        if not message.get("tool_calls") and not any(block["type"] == "tool_use" for block in blocks):
            return message
        fitted: dict[str, Any] = {**message}
        begun: list[_Call] = []
        in_content: dict[str, str] = {}
        if blocks:
            fitted["content"] = [self._fit_block(block, begun) if block["type"] == "tool_use" else block
                                 for block in blocks]  # fmt: skip
            in_content = {call.given: call.sent for call in begun if call.given}
        calls = []
        for call in message.get("tool_calls") or ():
            # A call may be told twice, among the blocks and beside them.
            sent = in_content.get(call["id"]) or self._begin(call["id"], call["function"]["name"], begun)
            calls.append(call if sent == call["id"] else {**call, "id": sent})
        if calls:
            fitted["tool_calls"] = calls
        self._waiting = [*begun, *self._waiting]
        return cast("Message", fitted)

    def _fit_block(self, block: Mapping[str, Any], begun: list[_Call]) -> Mapping[str, Any]:
        sent = self._begin(block["id"], block["name"], begun)
        return block if sent == block["id"] else {**block, "id": sent}

    def _begin(self, given: str, name: str, begun: list[_Call]) -> str:
        sent = given
        if given in self._taken or not _FITS.fullmatch(given):
            number = len(self._taken)
            stem = _stem(given)
            while (sent := f"{stem}_{number}") in self._taken:
                number += 1
        self._taken.add(sent)
        begun.append(_Call(given, name, sent))
        return sent

    def _fit_result(self, message: Message, index: int) -> Message:
        given = message.get("tool_call_id") or ""
        call = self._answered(given)
        if call:
            self._waiting.remove(call)
        elif not given:
            raise EncodingError(f"messages[{index}] is a tool message without an id, and no call waits for a result")
        sent = call.sent if call else given if _FITS.fullmatch(given) else _stem(given)
        return message if sent == given else cast("Message", {**message, "tool_call_id": sent})

    def _answered(self, given: str) -> _Call | None:
        same = (call for call in self._waiting if call.given == given or not given)
        named = (call for call in self._waiting if not call.given and call.name == given)
        return next(same, None) or next(named, None)


def _stem(given: str) -> str:
    """What can be kept of an id that does not fit."""
    return _UNFIT.sub("_", given)[:_LONGEST_STEM] or "call"
