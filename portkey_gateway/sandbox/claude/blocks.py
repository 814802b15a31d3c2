"""Walks the content blocks of a request whose shape was checked, each with the path its errors name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

Wire = Mapping[str, Any]

_HOLDERS: Final = ("tool_result", "search_result", "mcp_tool_result")


@dataclass(frozen=True, slots=True)
class Located:
    """A content block and where it stands.

    Attributes:
        path: For example `messages.0.content.1`.
        block: The block as it came.
    """

    path: str
    block: Wire

    @property
    def type(self) -> str:
        """The block's type."""
        return str(self.block["type"])

    @property
    def tagged_path(self) -> str:
        """The path with the block's type: what stands before the name of one of its keys."""
        return f"{self.path}.{self.type}"


@dataclass(frozen=True, slots=True)
class Turn:
    """Consecutive messages of one role, which Anthropic combines.

    Attributes:
        role: `user`, `assistant` or `system`.
        first: The index of its first message.
        last: The index of its last message.
        blocks: All blocks of its messages.
    """

    role: str
    first: int
    last: int
    blocks: tuple[Located, ...]


def blocks_of(content: str | list[Wire] | None, path: str) -> Iterator[Located]:
    """Yield the blocks of a content; a string is one block of text."""
    if content is None:  # a system message may carry settings only
        return
    if isinstance(content, str):
        yield Located(path, {"type": "text", "text": content})
    else:
        for index, block in enumerate(content):
            yield Located(f"{path}.{index}", block)


def with_nested(located: Located) -> Iterator[Located]:
    """Yield the blocks inside a result or a document, and then the block itself: the order of the prompt."""
    block = located.block
    if located.type in _HOLDERS and isinstance(block.get("content"), list):
        yield from _all_nested(block["content"], f"{located.tagged_path}.content")
    elif located.type == "document" and isinstance(block["source"].get("content"), list):
        yield from _all_nested(block["source"]["content"], f"{located.tagged_path}.source.content.content")
    yield located


def message_blocks(messages: list[Wire]) -> Iterator[Located]:
    """Yield all blocks of all messages, nested ones too."""
    for index, message in enumerate(messages):
        yield from _all_nested(message.get("content"), f"messages.{index}.content")


def turns_of(messages: list[Wire]) -> list[Turn]:
    """Combine consecutive messages of the same role."""
    turns = []
    for role, group in groupby(enumerate(messages), key=lambda item: str(item[1]["role"])):
        members = list(group)
        blocks = tuple(
            located
            for index, message in members
            for located in blocks_of(message.get("content"), f"messages.{index}.content")
        )
        turns.append(Turn(role, members[0][0], members[-1][0], blocks))
    return turns


def _all_nested(content: str | list[Wire] | None, path: str) -> Iterator[Located]:
    for located in blocks_of(content, path):
        yield from with_nested(located)
