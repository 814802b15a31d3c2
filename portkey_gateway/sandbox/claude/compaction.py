"""Conversations that are cut short: a summary stands for what came before it.

Source: Anthropic's documentation, "Compaction"; `BetaCompactionBlockParam`, `BetaCompact20260112EditParam` and
`BetaCompactionConfigParam` of its SDK, and its `Compaction…Error` classes; answers it gave, as langchain-anthropic
1.7.10 recorded them.
"""

from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.blocks import Wire, message_blocks
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.signatures import is_genuine

COMPACT_EDIT: Final = "compact_20260112"
"""The edit of a conversation that summarizes it when it grows too long."""

_DEFAULT_TRIGGER: Final = 150_000
_LEAST_TRIGGER: Final = 50_000


def validate_compaction(body: Mapping[str, Any]) -> None:
    """Check what a request says about compaction.

    Raises:
        ClaudeError: It asks for two kinds at once, or for one too early.
    """
    if body.get("compaction") and body.get("context_management"):
        raise invalid("compaction: cannot be combined with `context_management`")
    edits = (body.get("context_management") or {}).get("edits", ())
    _check_signed(body["messages"], edited=any(edit["type"] == COMPACT_EDIT for edit in edits))
    for index, edit in enumerate(edits):
        if edit["type"] == COMPACT_EDIT and trigger_of(edit) < _LEAST_TRIGGER:
            raise invalid(
                f"context_management.edits.{index}.{COMPACT_EDIT}.trigger.value: "
                f"Input should be greater than or equal to {_LEAST_TRIGGER}"
            )


def _check_signed(messages: list[Wire], *, edited: bool) -> None:
    """Check a summary that a request ordered: it is signed, opens the conversation, and is the only one."""
    summaries = [located for located in message_blocks(messages) if located.type == "compaction"]
    signed = [located for located in summaries if located.block.get("signature")]
    if not signed:
        return
    first = signed[0]
    if len([located for located in summaries if located.block.get("content")]) > 1:
        raise invalid("messages: holds more than one `compaction` block with content. Send only the last one.")
    if first.path != "messages.0.content.0":
        raise invalid(f"{first.path}: a `compaction` block must be the first block of the conversation")
    if edited:
        raise invalid(f"{first.path}: a `compaction` block cannot be sent with a `{COMPACT_EDIT}` edit")
    if not is_genuine(first.block.get("content") or "", first.block["signature"]):
        raise invalid(f"{first.path}: Invalid `signature` in `compaction` block")


def without_summarized(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a request as Claude reads it: from the last summary on."""
    messages = list(body["messages"])
    for index in reversed(range(len(messages))):
        content = messages[index].get("content") or []
        marks = [number for number, block in enumerate(content) if _is_summary(block)]
        if marks:
            return {**body, "messages": [{**messages[index], "content": content[marks[-1] :]}, *messages[index + 1 :]]}
    return body


def _is_summary(block: object) -> bool:
    # One without content tells of a summary that failed.
    return isinstance(block, dict) and block["type"] == "compaction" and bool(block.get("content"))


def trigger_of(edit: Mapping[str, Any]) -> int:
    """Return how many input tokens make an edit summarize the conversation."""
    return int((edit.get("trigger") or {}).get("value", _DEFAULT_TRIGGER))
