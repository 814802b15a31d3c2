"""The rules of messages: who speaks first and last, which block stands where, no empty text.

Source: Anthropic's API reference, "Create a Message", `messages` and `system`.
"""

from collections.abc import Iterable
from typing import Final

from portkey_gateway.sandbox.claude.blocks import Located, Wire, blocks_of, message_blocks
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.models import continues_prefill

_FROM_CLAUDE: Final = (
    "tool_use",
    "thinking",
    "redacted_thinking",
    "server_tool_use",
    "mcp_tool_use",
    "mcp_tool_listing",
    "fallback",
)
_FROM_SYSTEM: Final = ("tool_addition", "tool_removal")
_FROM_ANYONE: Final = ("text", "compaction")
# A turn that ends with one of these was paused by the API, and is gone on with by sending it back.
_PAUSED: Final = ("server_tool_use", "mcp_tool_use", "compaction")


def validate_roles(body: object) -> None:
    """Check the roles, before the shape: Anthropic explains a foreign role better than a type error could.

    Raises:
        ClaudeError: A message has a role that no model knows.
    """
    messages = body.get("messages") if isinstance(body, dict) else None
    for message in messages if isinstance(messages, list) else ():
        role = message.get("role") if isinstance(message, dict) else None
        if isinstance(role, str) and role not in ("user", "assistant", "system"):
            raise invalid(f'messages: Unexpected role "{role}". Allowed roles are "user" or "assistant".')


def validate_messages(body: Wire) -> None:
    """Check the order of roles, the place of blocks and the texts.

    Raises:
        ClaudeError: A rule is broken.
    """
    messages = body["messages"]
    if not messages:
        raise invalid("messages: at least one message is required")
    if messages[0]["role"] != "user" and not _is_compaction(messages[0]):
        raise invalid('messages: first message must use the "user" role')
    for index, message in enumerate(messages):
        if message["role"] == "system":
            continue  # its rules are its own
        optional = index == len(messages) - 1 and message["role"] == "assistant"
        if not message["content"] and not optional:
            raise invalid(
                f"messages.{index}: all messages must have non-empty content "
                "except for the optional final assistant message"
            )
        for located in blocks_of(message["content"], f"messages.{index}.content"):
            _check_place(located, message["role"])
        _check_end(message, f"messages.{index}")
    spoken = [message for message in messages if message.get("content")]
    _check_texts("messages", message_blocks(spoken))
    _check_results(message_blocks(spoken))
    if isinstance(body.get("system"), list):
        _check_texts("system", blocks_of(body["system"], "system"))
    if messages[-1]["role"] == "assistant":
        _check_prefill(body["model"], messages[-1]["content"])


def _check_end(message: Wire, path: str) -> None:
    last = [located.type for located in blocks_of(message["content"], path)][-1:]
    if message["role"] == "assistant" and last in (["thinking"], ["redacted_thinking"]):
        raise invalid(f"{path}: The final block in an assistant message cannot be `thinking`.")


def _is_compaction(message: Wire) -> bool:
    """Tell whether a message stands for those before it, which need not be sent any more."""
    return any(located.type == "compaction" for located in blocks_of(message["content"][:1], ""))


def _check_place(located: Located, role: str) -> None:
    if located.type in _FROM_ANYONE:
        return
    # Results of the tools Anthropic runs itself come from Claude's side: `web_search_tool_result` and the like.
    from_claude = located.type in _FROM_CLAUDE or located.type.endswith("_tool_result")
    home = "assistant" if from_claude else "system" if located.type in _FROM_SYSTEM else "user"
    if role != home:
        raise invalid(f"{located.path}: `{located.type}` blocks can only be in `{home}` messages")


def _check_texts(area: str, blocks: Iterable[Located]) -> None:
    texts = [located.block["text"] for located in blocks if located.type == "text"]
    if "" in texts:
        raise invalid(f"{area}: text content blocks must be non-empty")
    if any(not text.strip() for text in texts):
        raise invalid(f"{area}: text content blocks must contain non-whitespace text")


def _check_results(blocks: Iterable[Located]) -> None:
    for located in blocks:
        if located.type == "tool_result" and located.block.get("is_error") and not located.block.get("content"):
            raise invalid(f"{located.tagged_path}: content cannot be empty if `is_error` is true")
        if located.type == "compaction" and located.block.get("content") == "":
            raise invalid(f"{located.tagged_path}.content: String should have at least 1 character")


def is_paused(content: str | list[Wire]) -> bool:
    """Tell whether the content of a last message is a turn that the API paused, not the beginning of an answer."""
    last = [located.type for located in blocks_of(content, "")][-1:]
    return any(kind in _PAUSED or kind.endswith("_tool_result") for kind in last)


def _check_prefill(model: str, content: str | list[Wire]) -> None:
    if not content or is_paused(content):
        return
    if not continues_prefill(model):
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    *_, final = blocks_of(content, "")
    if final.type == "text" and final.block["text"] != final.block["text"].rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")
