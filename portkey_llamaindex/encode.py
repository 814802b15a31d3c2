"""LlamaIndex messages → the gateway's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, Final, cast

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from portkey_gateway.caching.breakpoints import encode_cache_control
from portkey_gateway.chat_completions.losses import BLOCK_LOSSES, remedy
from portkey_gateway.conversation.arguments import as_arguments
from portkey_gateway.conversation.content import Media, media_block, text_block
from portkey_gateway.conversation.media import check_for_result
from portkey_gateway.conversation.plain import Texts
from portkey_gateway.conversation.request import ContentBlock, Message, Role
from portkey_gateway.errors import ContentError, warn
from portkey_gateway.routing import Route
from portkey_llamaindex.cache_points import cache_control, mark_last
from portkey_llamaindex.citable import as_sources, as_text
from portkey_llamaindex.claude_notes import ClaudeNotes, check_notes
from portkey_llamaindex.encode_assistant import encode_assistant, simplified
from portkey_llamaindex.media import load_media

_role_of: Final = attrgetter("role")
_blocks_of: Final = attrgetter("blocks")

_ROLES: Final[dict[MessageRole, Role]] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "developer",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}
_BY_IDENTITY: Final[dict[int, Role]] = {id(member): role for member, role in _ROLES.items()}


def encode_messages(
    messages: Sequence[ChatMessage], *, citing: frozenset[str] = frozenset(), files_from: Sequence[str] = ()
) -> list[Message]:
    """Encode a conversation.

    Args:
        messages: what LlamaIndex hands over.
        citing: the roles in whose messages the model can be told what it may cite.
        files_from: the folders whose files blocks may name.

    Returns:
        The messages; an id of a call or of a result that is not known is empty.

    Raises:
        EncodingError: if a message or one of its blocks cannot be sent; the text names it.
    """
    if texts := _said_in_texts(messages):
        return texts
    roles = _roles_of(messages)
    answered = frozenset(_call_id(message) for message, role in zip(messages, roles, strict=True) if role == "tool")
    return [
        plain
        if (plain := _plain(message, role))
        else encode_assistant(message, f"messages[{index}]", answered)
        if role == "assistant"
        else _MessageEncoder(f"messages[{index}]", role, may_cite=role in citing, files_from=files_from).encode(message)
        for index, (message, role) in enumerate(zip(messages, roles, strict=True))
    ]


def _roles_of(messages: Sequence[ChatMessage]) -> list[Role]:
    # The hash of an enumeration's member is a step of Python's, its identity is not; a role may be set later, as text.
    found: list[Role | None] = [*map(_BY_IDENTITY.get, map(id, map(_role_of, messages)))]
    return [role or _ROLES[MessageRole(message.role)] for role, message in zip(found, messages, strict=True)]


def _said_in_texts(messages: Sequence[ChatMessage]) -> list[Message] | None:
    """The messages if each is a text that somebody said, as in most of long conversations; ``None`` of any other."""
    roles: list[Role] = []
    texts: list[str] = []
    for message in messages:
        # A conversation may hold a thousand: pydantic's own way to the fields takes longer.
        told = message.__dict__
        role, blocks = _BY_IDENTITY.get(id(told["role"])), told["blocks"]
        if role is None or role == "tool" or len(blocks) != 1 or told["additional_kwargs"]:
            return None
        if type(block := blocks[0]) is not TextBlock or not (text := block.__dict__["text"]):
            return None
        roles.append(role)
        texts.append(text)
    return Texts.of(roles, texts) if texts else None


def _plain(message: ChatMessage, role: Role) -> Message | None:
    """A text that was said, which most of a long conversation is; ``None`` of anything else."""
    blocks = message.blocks
    if len(blocks) != 1 or type(block := blocks[0]) is not TextBlock or role == "tool" or message.additional_kwargs:
        return None
    return {"role": role, "content": text} if (text := block.text) else None


def citing_roles(route: Route) -> frozenset[str]:
    """Name the roles in whose messages the model of a route can be told what it may cite.

    Only Claude cites. In chat completions the gateway drops search results from a user's message, and passes them on in
    a tool's (``conversation.losses`` of that format).
    """
    if not route.is_claude:
        return frozenset()
    return frozenset({"user", "tool"} if route.api_format == "messages" else {"tool"})


def warn_of_uncited(messages: Sequence[ChatMessage], route: Route) -> None:
    """Say that what a user's message holds to be cited is a text to the Claude of a route.

    Warns:
        PortkeyWarning: if there is any, and the format of the route is why.
    """
    if not route.is_claude or "user" in citing_roles(route):
        return
    # Of a long conversation each kind of block is looked at once; most hold none of this one.
    if not any(map(_is_citable, {*map(type, chain.from_iterable(map(_blocks_of, messages)))})):
        return
    citable = [message for message in messages if any(map(_is_citable, {*map(type, message.blocks)}))]
    if "user" in _roles_of(citable):
        why = remedy(BLOCK_LOSSES["citable"], route)
        warn(f"a CitableBlock of a user's message reaches Claude as text and is not cited: {why}")


def _is_citable(kind: type) -> bool:
    return issubclass(kind, CitableBlock)


def _call_id(message: ChatMessage) -> str:
    """The id of the call that a tool answers; OpenAI's Responses class has another name for it."""
    return str(message.additional_kwargs.get("tool_call_id") or message.additional_kwargs.get("call_id") or "")


@dataclass(frozen=True, slots=True)
class _MessageEncoder:
    """Encodes one message of anybody but the assistant; ``where`` names it in errors."""

    where: str
    role: Role
    may_cite: bool
    files_from: Sequence[str]

    def encode(self, message: ChatMessage) -> Message:
        encoded: Message = {"role": self.role}
        if self.role == "tool":
            encoded["tool_call_id"] = _call_id(message)
            # As LlamaIndex's class for Bedrock says it, or Anthropic.
            if message.additional_kwargs.get("status") == "error" or message.additional_kwargs.get("is_error") is True:
                encoded["is_error"] = True
        blocks: list[ContentBlock] = []
        check_notes(message, self.where)
        notes, at = ClaudeNotes(message), 0
        for index, block in enumerate(message.blocks):
            path = f"{self.where}.blocks[{index}]"
            if isinstance(block, CachePoint):
                mark_last(blocks, cache_control(block, path), path)
                continue
            blocks.extend(cast("Iterable[ContentBlock]", notes.blocks(at)))
            blocks.extend(self._encode_block(block, path))
            at += 1
        blocks.extend(cast("Iterable[ContentBlock]", notes.blocks()))
        # As CachePoint was written before LlamaIndex had it.
        if mark := message.additional_kwargs.get("cache_control"):
            mark_last(blocks, encode_cache_control(mark, where=self.where), self.where)
        encoded["content"] = simplified(blocks)
        return encoded

    def _encode_block(self, block: Any, path: str) -> Iterable[ContentBlock]:
        try:
            return self._encode(block, path)
        except ContentError as error:
            if self.role != "tool":
                raise
            return _told_in_words(block, error.message)

    def _encode(self, block: Any, path: str) -> Iterable[ContentBlock]:
        if isinstance(block, TextBlock):
            return [text_block(block.text)] if block.text else []
        if isinstance(block, CitableBlock):
            inner = [part for piece in block.content for part in self._encode_block(piece, path)]
            return as_sources(block, inner) if self.may_cite else as_text(block, inner)
        if isinstance(block, CitationBlock):
            return self._encode_block(block.cited_content, path)
        if isinstance(block, ImageBlock | DocumentBlock | AudioBlock | VideoBlock):
            try:
                return [self._render(load_media(block, self.files_from), getattr(block, "detail", None))]
            except ContentError as error:
                raise ContentError(f"{path}: {error.message}") from error.__cause__
        raise ContentError(f"{path} is of type {type(block).__name__}, which a {self.role} message cannot carry")

    def _render(self, media: Media, detail: Any) -> ContentBlock:
        if self.role in {"user", "tool"}:
            block = media_block(media)
            if self.role == "tool":
                check_for_result(block, "it")
            if detail:
                block["detail"] = detail
            return block
        raise ContentError(f"a {self.role} message cannot carry this {media.kind}: show it in a user message")


def _told_in_words(block: Any, why: str) -> Iterable[ContentBlock]:
    """What a tool gave back and no model takes: a conversation must not get stuck on it.

    Thoughts, copied from the answer of a subagent, are nobody else's.
    """
    if isinstance(block, ThinkingBlock):
        return []
    if isinstance(block, ToolCallBlock):
        return [text_block(as_arguments({"name": block.tool_name, "arguments": block.tool_kwargs}))]
    warn(f"a block of a tool's result is told of in words: {why}")
    return [text_block(f"({type(block).__name__}, which cannot be shown)")]
