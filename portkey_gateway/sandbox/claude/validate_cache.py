"""The rules of prompt cache breakpoints.

Source: Anthropic's documentation, "Prompt caching". That thinking blocks take none is said by their type already.
"""

from collections.abc import Iterator
from typing import Final

from portkey_gateway.sandbox.claude.blocks import Wire, blocks_of, message_blocks
from portkey_gateway.sandbox.claude.errors import invalid

_MAX_BREAKPOINTS: Final = 4


def validate_cache(body: Wire) -> None:
    """Check all breakpoints of a request together.

    Raises:
        ClaudeError: There are more than four, one marks an empty text or a call that code made, or a longer one
            follows a shorter one.
    """
    marked = list(_breakpoints(body))
    from_code = {located.block["id"] for located in message_blocks(body["messages"]) if _is_from_code(located.block)}
    for path, block in marked:
        if block.get("type") == "text" and not block["text"]:
            raise invalid(f"{path}: cache_control cannot be set for empty text blocks")
        if block.get("id", block.get("tool_use_id")) in from_code:
            raise invalid(f"{path}: cache_control cannot be set for tool calls made by code execution")
    # The top-level parameter marks the last block that can be cached, and takes one of the four.
    found = len(marked) + bool(body.get("cache_control"))
    if found > _MAX_BREAKPOINTS:
        raise invalid(f"A maximum of {_MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {found}.")
    _check_order(marked)


def _check_order(marked: list[tuple[str, Wire]]) -> None:
    short_seen = False
    for path, block in marked:
        short = block["cache_control"].get("ttl", "5m") == "5m"
        if short_seen and not short:
            raise invalid(
                f"{path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block. Note that blocks are processed in the following order: "
                "`tools`, `system`, `messages`."
            )
        short_seen = short_seen or short


def _breakpoints(body: Wire) -> Iterator[tuple[str, Wire]]:
    """Yield path and block of every breakpoint in the order of the prompt."""
    for index, tool in enumerate(body.get("tools", ())):
        yield from _if_marked(f"tools.{index}.{tool.get('type') or 'custom'}", tool)
    for located in blocks_of(body.get("system", ()), "system"):
        # The system prompt holds one type of block only, so its paths have no tags.
        yield from _if_marked(located.path, located.block)
    for located in message_blocks(body["messages"]):
        yield from _if_marked(located.tagged_path, located.block)


def _is_from_code(block: Wire) -> bool:
    # Source: langchain-anthropic 1.7.10, `_is_code_execution_related_block`.
    return block["type"] == "tool_use" and "code_execution" in (block.get("caller") or {}).get("type", "")


def _if_marked(path: str, block: Wire) -> Iterator[tuple[str, Wire]]:
    if block.get("cache_control"):
        yield path, block
