"""What a tool gave back → the gateway's blocks: whatever it is, the model is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic_core import to_json

from portkey_gateway.conversation.content import text_block
from portkey_gateway.conversation.media import check_for_result, with_data
from portkey_gateway.conversation.request import ContentBlock
from portkey_gateway.errors import ContentError, warn
from portkey_langchain.blocks import encode_block
from portkey_langchain.media import MEDIA_TYPES, Block

# Copied from the answer of a subagent, whose thoughts are nobody else's.
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking", "reasoning"})
# Where base64 stands, in the blocks of LangChain, OpenAI, Anthropic and MCP.
_DATA: Final = frozenset({"data", "base64", "blob", "file_data"})
_LONGEST: Final = 200


def encode_result_block(block: Block, *, where: str) -> ContentBlock | None:
    """Encode a block of a tool's result; ``None`` for thoughts that a subagent's answer was copied with.

    Tools give back what they like: links to resources, binaries, calls of other agents. A model that takes none of
    these is told of them in words, so that a conversation never gets stuck on what a tool said.

    Args:
        block: what LangChain hands over.
        where: its place, for warnings.

    Warns:
        PortkeyWarning: if an image or a document is told of in words, since it cannot be shown.
    """
    kind = block.get("type")
    if kind in _THOUGHTS:
        return None
    try:
        encoded = cast("ContentBlock", with_data(cast("Block", encode_block(block, where=where))))
        check_for_result(cast("Block", encoded), where)
    except ContentError as error:
        if kind in MEDIA_TYPES:
            warn(f"a block of a tool's result is told of in words: {error.message}")
        return text_block(to_json(_shortened(block), fallback=repr, inf_nan_mode="strings").decode())
    return encoded


def _shortened(value: Any, name: str = "") -> Any:
    """The value without the data in it, which are no words; what is text stays whole."""
    if isinstance(value, Mapping):
        return {str(key): _shortened(part, str(key)) for key, part in value.items()}
    if isinstance(value, list):
        return [_shortened(part, name) for part in value]
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    is_data = isinstance(value, str) and name in _DATA and len(value) > _LONGEST
    return f"({len(value)} characters)" if is_data else value
