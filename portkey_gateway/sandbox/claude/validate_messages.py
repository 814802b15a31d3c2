"""The rules of messages: who speaks first and last, which block stands where, no empty text.

Source: Anthropic's API reference, "Create a Message", `messages` and `system`.
"""

from collections.abc import Iterable
from typing import Final

from portkey_gateway.sandbox.claude.blocks import Located, Wire, blocks_of, message_blocks
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.models import continues_prefill

_ASSISTANT_ONLY: Final = ("tool_use", "thinking", "redacted_thinking", "server_tool_use", "mcp_tool_use")
_EITHER: Final = ("text",)


def validate_roles(body: object) -> None:
    """Check the roles, before the shape: Anthropic explains a foreign role better than a type error could.

    The SDK's types also know messages of the role `system`, which few models take amid a conversation; the gateway
    hoists every system message to the top, so here they are refused.

    Raises:
        ClaudeError: A message has another role than `user` or `assistant`.
    """
    messages = body.get("messages") if isinstance(body, dict) else None
    for message in messages if isinstance(messages, list) else ():
        role = message.get("role") if isinstance(message, dict) else None
        if role == "system":
            raise invalid(
                'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, '
                'not "system" as an input message role.'
            )
        if isinstance(role, str) and role not in ("user", "assistant"):
            raise invalid(f'messages: Unexpected role "{role}". Allowed roles are "user" or "assistant".')


def validate_messages(body: Wire) -> None:
    """Check the order of roles, the place of blocks and the texts.

    Raises:
        ClaudeError: A rule is broken.
    """
    messages = body["messages"]
    if not messages:
        raise invalid("messages: at least one message is required")
    if messages[0]["role"] != "user":
        raise invalid('messages: first message must use the "user" role')
    for index, message in enumerate(messages):
        optional = index == len(messages) - 1 and message["role"] == "assistant"
        if not message["content"] and not optional:
            raise invalid(
                f"messages.{index}: all messages must have non-empty content "
                "except for the optional final assistant message"
            )
        for located in blocks_of(message["content"], f"messages.{index}.content"):
            _check_place(located, message["role"])
    _check_texts("messages", message_blocks([message for message in messages if message["content"]]))
    if isinstance(body.get("system"), list):
        _check_texts("system", blocks_of(body["system"], "system"))
    if messages[-1]["role"] == "assistant":
        _check_prefill(body["model"], messages[-1]["content"])


def _check_place(located: Located, role: str) -> None:
    if located.type in _EITHER:
        return
    # Results of the tools Anthropic runs itself come from Claude's side: `web_search_tool_result` and the like.
    from_claude = located.type in _ASSISTANT_ONLY or located.type.endswith("_tool_result")
    home = "assistant" if from_claude else "user"
    if role != home:
        raise invalid(f"{located.path}: `{located.type}` blocks can only be in `{home}` messages")


def _check_texts(area: str, blocks: Iterable[Located]) -> None:
    texts = [located.block["text"] for located in blocks if located.type == "text"]
    if "" in texts:
        raise invalid(f"{area}: text content blocks must be non-empty")
    if any(not text.strip() for text in texts):
        raise invalid(f"{area}: text content blocks must contain non-whitespace text")


def _check_prefill(model: str, content: str | list[Wire]) -> None:
    if not content:
        return
    if not continues_prefill(model):
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    *_, final = blocks_of(content, "")
    if final.type == "text" and final.block["text"] != final.block["text"].rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")
