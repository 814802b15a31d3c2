"""A conversation that ends with an answer: OpenAI's models say more, newer Claudes refuse it.

So do agents hand over to each other, and so ends a history that is asked again. Before generation 4.6 a Claude that
does not think goes on within that answer ("prefill"): there it stays the last word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from portkey_gateway.conversation.request import Message
from portkey_gateway.errors import warn
from portkey_gateway.models.claude import continues_answers

GO_ON: Final = "Go on."
"""What a user says behind such an answer."""
_SAID: Final = frozenset({"text", "thinking", "redacted_thinking"})


def with_user_last(
    messages: list[Message], models: Sequence[str], parameters: Mapping[str, Any], *, thinks: bool
) -> list[Message]:
    """Let a user ask for more where an answer is the last word, and a Claude that may answer refuses that.

    An answer that waits for a tool of the server's to go on is none: Claude takes it back as it is.

    Args:
        messages: the conversation.
        models: the Claudes that may answer.
        parameters: of the request.
        thinks: whether Claude is to think, beside which it goes on within no answer.

    Warns:
        PortkeyWarning: if a user is made to speak.
    """
    if not messages or messages[-1]["role"] != "assistant" or messages[-1].get("tool_calls"):
        return messages
    last = messages[-1]
    blocks = [*_blocks(last.get("content")), *_blocks(last.get("content_blocks"))]
    if any(block.get("type") not in _SAID for block in blocks):
        return messages
    if not thinks and not parameters.get("response_format") and all(map(continues_answers, models)):
        return messages
    warn(
        f"the conversation ends with an answer, within which this Claude does not go on: {GO_ON!r} is said behind it; "
        "end with a message of the user's"
    )
    return [*messages, {"role": "user", "content": GO_ON}]


def _blocks(content: Any) -> list[Mapping[str, Any]]:
    return [block for block in content if isinstance(block, Mapping)] if isinstance(content, list) else []
