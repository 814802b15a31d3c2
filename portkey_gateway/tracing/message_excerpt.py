"""A bounded excerpt of a conversation, in the form of OpenTelemetry's conventions for GenAI: valid however it is cut.

Viewers check messages against the conventions' schema (``gen-ai-input-messages.json``), and show none of a list with
one wrong message. So what is too long loses whole messages and the ends of texts, never its form.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from portkey_gateway.tracing.excerpt import MAX_EXCERPT_CHARS, opened_arguments, trimmed

_CUT_MARK: Final = "..."
_PART_CHARS: Final = 32
"""What a part takes beside its text, about."""


def excerpt_messages(
    messages: Sequence[Any],
    convert: Callable[[Any], Any],
    max_chars: int = MAX_EXCERPT_CHARS,
    beside: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """Render a conversation as JSON, in a bounded time and length: its beginning, and as much of its end as fits.

    Args:
        messages: of any framework.
        convert: makes ``{"role": …, "parts": […]}`` of one; it is asked of those that are kept only.
        max_chars: about how long the text may be; a message tells how many were left out.
        beside: what each message says, unless it says it itself.
    """
    kept: deque[Any] = deque()
    head: list[Any] = []
    left = max_chars
    if len(messages) > 1:
        # A system message may be long, and what was asked last matters more.
        first, taken = _trim(convert(messages[0]), max_chars // 4)
        head.append(_completed(first, beside))
        left -= taken
    rest = messages[len(head) :]
    for message in reversed(rest):
        if left <= 0:
            break
        plain, taken = _trim(convert(message), left)
        kept.appendleft(_completed(plain, beside))
        left -= taken
    if missing := len(rest) - len(kept):
        head.append({"role": "system", "parts": [_text(f"{_CUT_MARK} {missing} messages are left out here")]})
    return json.dumps([*head, *kept], ensure_ascii=False)


def _completed(message: dict[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    return {**message, **{name: value for name, value in beside.items() if name not in message}}


def _trim(message: Any, left: int) -> tuple[dict[str, Any], int]:
    """A message within a number of characters, and how many it took."""
    if not isinstance(message, Mapping) or not isinstance(message.get("parts"), Sequence):
        # A prompt or an answer that is no message.
        plain = trimmed(message, left)
        text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
        return {"parts": [_text(text)]}, len(text) + _PART_CHARS
    before, parts = left, []
    for part in message["parts"]:
        if left <= 0:
            parts.append(_text(_CUT_MARK))
            break
        # What a part is made of stays, and its longest value is what is cut.
        cut = {name: _cut(name, value, left) for name, value in part.items()}
        left -= _PART_CHARS + sum(_size(value) for value in cut.values())
        parts.append(cut)
    return {**message, "parts": parts}, before - left


def _cut(name: str, value: Any, left: int) -> Any:
    if name in {"type", "id", "name"}:
        return value
    return trimmed(opened_arguments(value, left) if name == "arguments" else value, left)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value, ensure_ascii=False))


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "content": text}
