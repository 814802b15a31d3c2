"""Reads a request as a conversation: what was said, what is asked now, and what happened since it was asked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

Block = Mapping[str, Any]

_LABELLED_QUESTION: Final = re.compile(r"^(?:User )?(?:Query|Question)(?: Str)?:[ \t]*(\S.*)$", re.MULTILINE)
_POINTS_BACK: Final = re.compile(r"\b(?:image|picture|photo|document|pdf|file)s?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back.

    Attributes:
        name: The tool's name.
        text: Its words.
        is_error: Whether it says that it failed.
    """

    name: str
    text: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """One request, understood.

    Attributes:
        system: The system prompt.
        earlier: What the user said before the question.
        question: The user's latest words.
        shown: The images and documents shown with the question or since, those in tool results too; earlier ones when
            nothing was shown since and the question speaks of an image or a document.
        results: What tools gave back since the question.
        called: The tools called since the question, one list per round.
        served: The blocks of tools that Anthropic ran since the question.
    """

    system: str
    earlier: tuple[str, ...]
    question: str
    shown: tuple[Block, ...]
    results: tuple[ToolResult, ...]
    called: tuple[tuple[str, ...], ...]
    served: tuple[Block, ...] = ()

    @property
    def asked(self) -> str:
        """The question itself, where a prompt wraps it as `Query: …` or `Question: …` below a context."""
        labelled = _LABELLED_QUESTION.findall(self.question)
        return labelled[-1].strip() if labelled else self.question


@dataclass(frozen=True, slots=True)
class _Turn:
    role: str
    blocks: list[Block]

    @property
    def text(self) -> str:
        return text_of(self.blocks)


def read_conversation(body: Mapping[str, Any]) -> Conversation:
    """Understand a valid request."""
    # What the system says amid a conversation instructs Claude, as its first words do.
    said = [message for message in body["messages"] if message["role"] != "system"]
    amid = _flatten(message for message in body["messages"] if message["role"] == "system")
    turns = [_Turn(role, _flatten(group)) for role, group in groupby(said, key=lambda each: each["role"])]
    spoken = [index for index, turn in enumerate(turns) if turn.role == "user" and turn.text.strip()]
    start = spoken[-1] if spoken else 0
    since = turns[start:]
    names = {block["id"]: block["name"] for turn in turns for block in turn.blocks if block["type"] == "tool_use"}
    results = [block for turn in since for block in turn.blocks if block["type"] == "tool_result"]
    calls = [
        tuple(block["name"] for block in turn.blocks if block["type"] == "tool_use")
        for turn in since
        if turn.role == "assistant"
    ]
    return Conversation(
        system="\n".join(filter(None, (text_of(as_blocks(body.get("system") or "")), text_of(amid)))),
        earlier=tuple(turns[index].text for index in spoken[:-1]),
        question=turns[start].text.strip(),
        shown=_shown(since) or (_shown(turns[:start]) if _POINTS_BACK.search(turns[start].text) else ()),
        results=tuple(_result(block, names.get(block["tool_use_id"], "")) for block in results),
        called=tuple(names for names in calls if names),
        served=tuple(block for turn in since for block in turn.blocks if block["type"].endswith("_tool_result")),
    )


def as_blocks(content: str | list[Block]) -> list[Block]:
    """Return content as blocks, whichever way it was written."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def text_of(blocks: list[Block]) -> str:
    """Return the words of these blocks, those of search results too."""
    return "\n".join(_words(block) for block in blocks if block["type"] in {"text", "search_result"})


def _words(block: Block) -> str:
    return str(block["text"]) if block["type"] == "text" else text_of(block["content"])


def _flatten(messages: Any) -> list[Block]:
    return [block for message in messages for block in as_blocks(message.get("content") or [])]


def _shown(turns: Sequence[_Turn]) -> tuple[Block, ...]:
    blocks = [block for turn in turns for block in turn.blocks]
    parts = [part for block in blocks for part in (as_blocks(_content(block)) or [block])]
    return tuple(part for part in parts if part["type"] in {"image", "document"})


def _content(block: Block) -> str | list[Block]:
    return (block.get("content") or []) if block["type"] == "tool_result" else []


def _result(block: Block, name: str) -> ToolResult:
    return ToolResult(name, text_of(as_blocks(_content(block))), bool(block.get("is_error")))
