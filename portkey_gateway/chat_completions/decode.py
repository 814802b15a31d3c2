"""The decoding of answers: chunk by chunk, gathered into the whole; a whole answer is decoded as one chunk. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic_core import to_json
from typing_extensions import override

from portkey_gateway.chat_completions.kinds import SERVER_CALLS, ServerToolKinds
from portkey_gateway.chat_completions.losses import BLOCK_LOSSES
from portkey_gateway.chat_completions.usage import decode_usage
from portkey_gateway.conversation.answer import (
    LOST_ARGUMENTS,
    Answer,
    BlockDelta,
    BlockType,
    Delta,
    ToolCallDelta,
)
from portkey_gateway.conversation.fold import Fold, GrowingToolCall
from portkey_gateway.conversation.sound import GrowingSound
from portkey_gateway.conversation.well_told import check_block, check_citations
from portkey_gateway.error_bodies import decode_not_an_answer, read_json
from portkey_gateway.errors import ErrorInBodyError, InvalidResponseError, StreamDecodeError, warn
from portkey_gateway.info import GatewayInfo

if TYPE_CHECKING:
    from portkey_gateway.chat_completions.wire import AnswerMessage, ChatResponse, Choice, Chunk, ChunkDelta
    from portkey_gateway.chat_completions.wire import ToolCallDelta as WireToolCallDelta
else:
    Chunk = Any  # for whoever asks what the annotations of ``AnswerFold`` mean

FAILURES: Final = frozenset({"error", "ERROR", "TIMEOUT", "insufficient_system_resource"})
"""Finish reasons of an answer that the provider could not end (Mistral and OpenRouter; Cohere; DeepSeek)."""
# What a chunk may say beside a piece of text, as far as it is known from the first one.
_OF_TEXT: Final = frozenset({"id", "object", "created", "model", "provider", "choices"})
_OF_CHOICE: Final = frozenset({"index", "delta", "logprobs", "finish_reason"})
_OF_DELTA: Final = frozenset({"role", "content", "content_blocks"})
# What OpenAI says of an answer beside it.
_OF_CHOICES: Final = ("finish_reason", "logprobs", "groundingMetadata")
GROUNDS: Final = "grounding_metadata"
"""In ``extras``: what Gemini found in Google's search, under the name that ``langchain-google-genai`` gives it."""
_EXTRAS: Final = ("system_fingerprint", "service_tier")
TOKEN_USAGE: Final = "token_usage"  # noqa: S105 no secret
"""In ``extras``: OpenAI's usage in its own words, which may tell more, such as the predicted tokens that it took."""
# What reading a malformed answer fails with, whichever of its fields is not of the type it has to be.
_MALFORMED: Final = (AttributeError, LookupError, TypeError, ValueError)


class AnswerFold(Fold):
    """Decodes the chunks of one chat completion and gathers them into the whole. No I/O."""

    __slots__ = ("_has_warned", "_is_whole", "_kinds", "_order", "_server_tool", "_tool_order")

    def __init__(self, info: GatewayInfo) -> None:
        super().__init__(info)
        self._order: dict[tuple[int, BlockType], int] = {}
        self._tool_order: dict[int, int] = {}
        self._server_tool: int | None = None
        self._kinds = ServerToolKinds()
        self._is_whole = self._has_warned = False

    @override
    def add(self, event: Chunk) -> Delta:
        """Decode one chunk and add it to the answer.

        Raises:
            StreamDecodeError: if it has not the shape of a chunk.
        """
        try:
            delta = self._decode_text(event)
            if delta is None:
                delta = self._decode(event)
                self.gather(delta)
        except _MALFORMED as error:
            raise StreamDecodeError(
                f"a chunk has not the shape of a chat completion's: {error}", info=self.info, body=event
            ) from error
        return delta

    @override
    def answer(self) -> Answer:
        """The whole of what was added so far.

        Warns:
            PortkeyWarning: of what the gateway dropped of a stream.
        """
        answer = super().answer()
        if self._is_whole or not self._stop_reason:
            return answer
        calls = tuple(
            replace(call, arguments=LOST_ARGUMENTS) if self._is_lost(growing) and not call.is_cut else call
            for call, growing in zip(answer.tool_calls, self._tool_calls, strict=True)
        )
        answer = replace(answer, tool_calls=calls)
        if not self._has_warned:
            self._has_warned = True
            for loss in _find_losses(answer):
                warn(loss)
        return answer

    def _is_lost(self, call: GrowingToolCall) -> bool:
        """Whether the gateway dropped the arguments of a call.

        Those of one that Claude's code made come with its beginning, where the gateway blanks them, and no piece of any
        follows (1.15.2); of any other call at least an empty piece does.
        """
        return call.name in self.of_code and call.arguments == [""]

    @override
    def add_whole(self, content: bytes) -> Delta:
        """Decode a whole answer's body and add it: also where a stream was asked for and a cached answer came.

        Raises:
            InvalidResponseError: if it is no answer.
        """
        try:
            first, *others = decode_whole(content, self.info)
            self._is_whole = True
            self._others = tuple(map(self._other, others))
            return self.add(first)
        except StreamDecodeError as error:
            raise _malformed(content, self.info, error.__cause__) from error

    def _other(self, chunk: Chunk) -> Answer:
        fold = type(self)(self.info)
        fold.names = self.names
        fold.add(chunk)
        return fold.answer()

    def _decode_text(self, chunk: Chunk) -> Delta | None:
        """Decode by far the most frequent chunk, which goes on with a text alone, and add it; ``None`` of any other."""
        choices = chunk.get("choices")
        if not self.id or not choices or len(choices) != 1 or not _OF_TEXT.issuperset(chunk):
            return None
        choice = choices[0]
        if choice.get("finish_reason") or choice.get("logprobs") or not _OF_CHOICE.issuperset(choice):
            return None
        wire_delta = choice.get("delta")
        if not wire_delta or not _OF_DELTA.issuperset(wire_delta):
            return None
        items = wire_delta.get("content_blocks")
        if items is None:
            index, text = 0, wire_delta.get("content")
        else:
            [item] = items if len(items) == 1 else [{}]
            added = item.get("delta")
            index, text = item.get("index") or 0, added.get("text") if added and len(added) == 1 else None
        position = self._order.get((index, "text"))
        if position is None or not text or type(text) is not str:
            return None
        self._server_tool = None
        return self.go_on(position, text)

    def _decode(self, chunk: Chunk) -> Delta:
        is_first = not self.id
        self.id = self.id or str(chunk.get("id") or "")
        self.model = self.model or str(chunk.get("model") or "")
        self.provider = self.provider or str(chunk.get("provider") or "")
        choices = chunk.get("choices")
        choice = choices[0] if choices else {}
        wire_delta = choice.get("delta")
        usage = chunk.get("usage")
        stop_reason = _text(choice.get("finish_reason"))
        extras = {name: value for name in _EXTRAS if (value := chunk.get(name))} if is_first or stop_reason else {}
        if usage and "completion_tokens_details" in usage:
            extras[TOKEN_USAGE] = usage
        if logprobs := choice.get("logprobs"):
            extras |= self._add_logprobs(logprobs)
        if grounds := choice.get("groundingMetadata"):
            extras[GROUNDS] = grounds
        return Delta(
            blocks=self._decode_blocks(wire_delta) if wire_delta else (),
            tool_calls=self._decode_tool_calls(_calls_of(wire_delta, choice.get("index"))) if wire_delta else (),
            refusal=(wire_delta.get("refusal") or "") if wire_delta else "",
            audio=self._decode_audio(wire_delta.get("audio") if wire_delta else None, is_last=bool(stop_reason)),
            stop_reason=stop_reason,
            usage=decode_usage(usage) if usage else None,
            hook_results=chunk.get("hook_results"),
            extras=extras or None,
        )

    def _decode_audio(self, piece: dict[str, Any] | None, *, is_last: bool) -> dict[str, Any] | None:
        """What a chunk adds to what is spoken, in pieces that can be joined."""
        if piece:
            self._sound = self._sound or GrowingSound()
        elif not (self._sound and is_last):
            return None
        added = self._sound.add(piece) if piece else {}
        if is_last and (rest := self._sound.end()):
            added["data"] = added.get("data", "") + rest
        return added or None

    def _add_logprobs(self, logprobs: dict[str, Any]) -> dict[str, Any]:
        """How likely each token was: what chunks say of theirs is one list in the end."""
        known: dict[str, list[Any]] = self._extras.get("logprobs") or {}
        for name, tokens in logprobs.items():
            if tokens:
                known.setdefault(name, []).extend(tokens)
        return {"logprobs": known} if known else {}

    def _decode_blocks(self, wire_delta: ChunkDelta) -> tuple[BlockDelta, ...]:
        blocks = []
        for item in _block_items(wire_delta):
            if block := _decode_block(item.get("delta") or {}):
                # The wire's index also counts tool calls; ours counts content blocks only, as in a whole answer. That
                # of OpenRouter is 0 for reasoning and text alike (``providers/openrouter/chatComplete.ts``).
                if block.raw and block.type == "other":
                    block = block._replace(raw=self._kinds.named(block.raw))
                key = (item.get("index") or 0, block.type)
                position = self._order.setdefault(key, len(self._order))
                blocks.append(block._replace(position=position, text=self.whole_characters(block.text)))
                self._server_tool = position if block.raw and "input" in block.raw else None
        return tuple(blocks)

    def _decode_tool_calls(self, told: list[WireToolCallDelta]) -> tuple[ToolCallDelta, ...]:
        calls = []
        for place, call in enumerate(told):
            function = call.get("function") or {}
            call_id, name = _text(call.get("id")), self.own_name(_text(function.get("name")))
            arguments = _arguments(function.get("arguments"))
            index = call.get("index")
            position = self._tool_position(place if index is None else index, call_id, name)
            if position is not None:
                # What Gemini 3 wants to see again.
                proof = _text(function.get("thought_signature"))
                extras = {"thought_signature": proof} if proof else None
                calls.append(ToolCallDelta(position, call_id, name, arguments, extras))
            elif self._server_tool is not None:
                self._blocks[self._server_tool].texts.append(arguments)
        return tuple(calls)

    def _tool_position(self, index: int, call_id: str | None, name: str | None) -> int | None:
        """The place of a call among the answer's calls; ``None`` if it is the provider's own, run by itself.

        The gateway tells the input of such a server tool as that of the tool call before it, or of one at -1. A new id
        is a new call even where the index is an old one: Gemini's calls that come apart all have 0.
        """
        if call_id or name:
            self._server_tool = None
        known = self._tool_order.get(index)
        if self._server_tool is not None or (known is None and not (call_id or name)):
            return None
        if known is None or (call_id and self._tool_calls[known].id not in {"", call_id}):
            known = self._tool_order[index] = len(self._tool_calls)
            self._tool_calls.append(GrowingToolCall())
        return known


def _find_losses(answer: Answer) -> Iterator[str]:
    """What the gateway did not tell of a streamed answer, in words."""
    for call in answer.tool_calls:
        if call.arguments == LOST_ARGUMENTS:
            why = BLOCK_LOSSES["called_arguments"].remedy
            yield f"the arguments of a call of {call.name!r} were lost in the gateway's stream: {why}"
    others = [block.raw or {} for block in answer.blocks if block.type == "other"]
    if answer.usage and any(block.get("type") in SERVER_CALLS for block in others):
        why = BLOCK_LOSSES["served_input"].remedy
        yield f"input tokens of an answer with server tools are told without what the tools found: {why}"
    if any("type" not in block for block in others):
        why = BLOCK_LOSSES["new_kinds"].remedy
        yield f"a block came whose kind the gateway's stream does not tell, and it is not said again: {why}"


def decode_whole(content: bytes, info: GatewayInfo) -> list[Chunk]:
    """Decode a whole answer as the one chunk of a stream that says everything at once; each of several choices as one.

    Raises:
        InvalidResponseError: if it is no answer.
    """
    try:
        response = read_json(content)
    except ValueError:
        response = None
    choices = response.get("choices") if isinstance(response, dict) else None
    told: list[Any] = choices if isinstance(choices, list) else []
    whole = [one for one in told if isinstance(one, dict)]
    if failed := next((reason for one in whole if (reason := str(one.get("finish_reason"))) in FAILURES), None):
        raise ErrorInBodyError(f"the provider broke off its answer: {failed}", info=info, body=response)
    if not told or len(whole) < len(told) or not all(isinstance(one.get("message"), dict) for one in whole):
        raise decode_not_an_answer(content, info, "The body is JSON but no chat completion: no choices with a message")
    try:
        return [_as_chunk(cast("ChatResponse", response), cast("Choice", one)) for one in whole]
    except _MALFORMED as error:
        raise _malformed(content, info, error) from error


def _malformed(content: bytes, info: GatewayInfo, error: BaseException | None) -> InvalidResponseError:
    return decode_not_an_answer(content, info, f"The body is JSON but no chat completion that can be read: {error}")


def _as_chunk(response: ChatResponse, choice: Choice) -> Chunk:
    message: AnswerMessage = choice.get("message", {})
    delta: ChunkDelta = {
        "content": message.get("content"),
        "refusal": message.get("refusal"),
        "reasoning_content": message.get("reasoning_content"),
        "reasoning": message.get("reasoning"),
        "audio": message.get("audio"),
    }
    if blocks := _content_blocks(message, response.get("hook_results")):
        delta["content_blocks"] = [{"index": index, "delta": block} for index, block in enumerate(blocks)]
    if calls := message.get("tool_calls"):
        delta["tool_calls"] = [cast("WireToolCallDelta", {**call, "index": index}) for index, call in enumerate(calls)]
    chunk: dict[str, Any] = {
        **response,
        "choices": [{"delta": delta, **{name: choice.get(name) for name in _OF_CHOICES}}],
    }
    return cast("Chunk", chunk)


def _content_blocks(message: AnswerMessage, hook_results: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The content blocks of a whole answer; a guardrail that changes its text does so in ``content`` alone (1.15.2)."""
    blocks, text = message.get("content_blocks") or [], message.get("content")
    hooks = (hook_results or {}).get("after_request_hooks") or ()
    if not isinstance(text, str) or not any(hook.get("transformed") for hook in hooks):
        return blocks
    place = next((index for index, block in enumerate(blocks) if "text" in block), len(blocks))
    others = [block for block in blocks if "text" not in block]
    return [*others[:place], {"type": "text", "text": text}, *others[place:]]


def _calls_of(wire_delta: ChunkDelta, place: Any) -> list[WireToolCallDelta]:
    """The calls that a chunk adds to.

    Of Cohere's stream the gateway tells one as it is, with its place as that of the choice; among Gemini's there may be
    nothing where another part stood (``providers/cohere/chatComplete.ts``, ``providers/google/chatComplete.ts``).
    """
    calls: Any = wire_delta.get("tool_calls") or []
    if isinstance(calls, dict):
        return [cast("WireToolCallDelta", {"index": place, **calls})]
    if not isinstance(calls, list):
        raise TypeError("tool_calls are no list")
    return [call for call in calls if call is not None] or calls


def _block_items(wire_delta: ChunkDelta) -> list[dict[str, Any]]:
    """The content blocks that a chunk adds to, in whichever fields the provider tells them; each once."""
    items = wire_delta.get("content_blocks") or []
    # Where both are sent, the text stands twice: the blocks also know its place.
    if not items and (content := wire_delta.get("content")):
        parts = content if isinstance(content, list) else [content]
        items = [_part_item(place, part) for place, part in enumerate(parts)]
    reasoning = wire_delta.get("reasoning_content") or wire_delta.get("reasoning")
    # OpenRouter's reasoning the gateway also tells as a block (``providers/openrouter/chatComplete.ts``).
    if isinstance(reasoning, str) and reasoning and not any("thinking" in (item.get("delta") or ()) for item in items):
        items = [{"index": 0, "delta": {"thinking": reasoning}}, *items]
    return items


def _part_item(place: int, part: Any) -> dict[str, Any]:
    """A part of ``content`` as an item of ``content_blocks``: Mistral's reasoning models, for one, send a list."""
    delta = {"text": part} if isinstance(part, str) else part
    # A stream's parts have no index; text goes on where text stood.
    return {"index": 0 if "text" in delta or "thinking" in delta else place, "delta": delta}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"{value!r:.60} where a text has to stand")


def _joined(value: Any) -> str:
    """A text that Mistral sends as a list of parts."""
    return "".join(part["text"] for part in value) if isinstance(value, list) else value or ""


def _arguments(value: Any) -> str:
    """The JSON text of arguments, which some providers send as the object itself."""
    return to_json(value).decode() if isinstance(value, dict) else _text(value) or ""


def _decode_block(delta: dict[str, Any]) -> BlockDelta | None:
    """Tell the kind of block by its keys: in a stream the gateway deletes ``type``. ``None`` if it adds nothing."""
    if "text" in delta or "citation" in delta:
        text = delta.get("text") or ""
        citations = [delta["citation"]] if "citation" in delta else delta.get("citations")
        check_citations(citations)
        raw = {"citations": citations} if citations else None
        return BlockDelta(0, "text", text, raw=raw) if text or raw else None
    if "thinking" in delta or "signature" in delta:
        thinking, signature = _joined(delta.get("thinking")), delta.get("signature") or ""
        return BlockDelta(0, "thinking", thinking, signature) if thinking or signature else None
    if "data" in delta:
        return BlockDelta(0, "redacted_thinking", data=delta["data"]) if delta["data"] else None
    check_block(delta)
    return BlockDelta(0, "other", raw=delta) if delta else None
