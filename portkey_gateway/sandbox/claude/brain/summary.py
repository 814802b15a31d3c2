"""Summarizes a conversation, where a request asks for it or has grown too long."""

from collections.abc import Mapping
from typing import Any

from portkey_gateway.sandbox.claude import tokens
from portkey_gateway.sandbox.claude.brain.conversation import read_conversation
from portkey_gateway.sandbox.claude.brain.mining import shorten
from portkey_gateway.sandbox.claude.compaction import COMPACT_EDIT, trigger_of
from portkey_gateway.sandbox.claude.reply import Block
from portkey_gateway.sandbox.claude.signatures import sign


def summarize(body: Mapping[str, Any]) -> tuple[Block | None, bool]:
    """Return the summary a request is answered with, if it gets one, and whether the answer ends with it."""
    if body.get("compaction"):
        summary = _summary(body)
        return {**summary, "signature": sign(summary["content"])}, True
    for edit in (body.get("context_management") or {}).get("edits", ()):
        if edit["type"] == COMPACT_EDIT and tokens.count_tokens(body) > trigger_of(edit):
            return _summary(body), bool(edit.get("pause_after_compaction"))
    return None, False


def _summary(body: Mapping[str, Any]) -> dict[str, Any]:
    conversation = read_conversation(body)
    said = [shorten(text) for text in (*conversation.earlier, conversation.question)]
    return {"type": "compaction", "content": f"The user said: {' Then: '.join(said)}"}
