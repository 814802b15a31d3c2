"""The gateway's answers → LlamaIndex responses.

The last response of a stream is decoded from the same ``Answer`` as a whole one, and equals it but for its ``delta``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    ChatResponse,
    CitationBlock,
    CompletionResponse,
    ContentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from portkey_gateway.conversation.answer import Answer, AnswerBlock, AnswerToolCall, BlockDelta, Delta, ToolCallDelta
from portkey_gateway.conversation.arguments import as_told
from portkey_gateway.conversation.content import load_url
from portkey_gateway.conversation.sound import sound_type
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.errors import ContentError
from portkey_gateway.template import Template
from portkey_llamaindex.claude_notes import NOTES

CONTAINER: Final = "container"
"""The key in a message's ``additional_kwargs`` of the container in which Claude ran code."""
_FORMATS: Final = {"mpeg": "mp3", "pcm": "pcm16"}


def decode_response(answer: Answer, *, delta: str | None = None, one_tool_call: bool = False) -> ChatResponse:
    """Decode a whole answer.

    Args:
        answer: what the model answered.
        delta: the text that a stream's last response adds.
        one_tool_call: leave out every tool call but the first.

    Returns:
        The response: ``raw`` says how the answer ended, its usage and what the gateway says of the call, and holds the
        blocks that LlamaIndex has no class for; ``additional_kwargs`` repeats the usage under the names that other LLM
        classes use. The message keeps, beside its blocks, what Claude needs to be told again (``claude_notes``), and
        its own usage, stop reason and trace id.
    """
    blocks: list[ContentBlock] = []
    notes: list[dict[str, Any]] = []
    decoded: ContentBlock
    at = 0
    for said in answer.said:
        if isinstance(said, AnswerBlock) and (drawn := _drawn(said)):
            blocks.append(drawn)
            at += 1
            continue
        if isinstance(said, AnswerBlock) and said.type == "other":
            notes.append({"at": at, "block": said.raw})
            continue
        if isinstance(said, AnswerBlock):
            decoded, more = _decode_block(said), said.raw
        elif one_tool_call and said is not answer.tool_calls[0]:
            continue
        else:
            arguments = said.arguments if said.args is None else said.args
            decoded, more = _tool_call_block(said, arguments), said.extras
        blocks.append(decoded)
        if more:
            notes.append({"at": at, **more})
            blocks.extend(map(_citation_block, more.get("citations") or ()))
        at += 1
    known = {
        "stop_reason": answer.stop_reason,
        "trace_id": answer.info.trace_id,
        "usage": _usage_dict(answer.usage) if answer.usage else None,
        CONTAINER: answer.extras.get("container"),
        NOTES: notes,
        **_told_of_sound(answer.audio),
    }
    if answer.audio:
        blocks.append(_audio_block(answer.audio))
    message = ChatMessage(
        role=MessageRole.ASSISTANT,
        blocks=blocks,
        additional_kwargs={name: value for name, value in known.items() if value},
    )
    return ChatResponse(message=message, raw=decode_raw(answer), delta=delta, additional_kwargs=_usage(answer.usage))


_MESSAGE: Final = Template(ChatMessage(role=MessageRole.ASSISTANT, blocks=[], additional_kwargs={}))
"""ChatMessage's constructor looks at every block anew."""
_TEXT: Final = Template(TextBlock(text=""))


def make_text_response(message: ChatMessage, text: str) -> ChatResponse:
    """A response that adds a text to a stream, as the constructor makes it."""
    return ChatResponse(message=message, delta=text, additional_kwargs={})


_RESPONSE: Final = Template(make_text_response(_MESSAGE.copy({"blocks": []}), ""))


def copy_text_response(message: ChatMessage, text: str) -> ChatResponse:
    """The same as ``make_text_response``, in a fraction of the time, since that looks at the message anew."""
    return _RESPONSE.copy({"message": message, "delta": text, "additional_kwargs": {}})


class GrowingResponse:
    """Turns what a stream adds into responses that hold everything said so far.

    Every response stands for itself: none changes when the next one comes. A chunk costs no more than its own text
    and one copy of the text before it. Of a tool call the arguments are JSON text until the answer is whole.

    Args:
        one_tool_call: leave out every tool call but the first.
    """

    def __init__(self, *, one_tool_call: bool = False) -> None:
        self._one_tool_call = one_tool_call
        # By kind and position: blocks and calls are counted apart, and stand here in the order in which they began.
        self._said: dict[tuple[str, int], TextBlock | ThinkingBlock | AnswerToolCall] = {}

    def add(self, delta: Delta) -> ChatResponse | None:
        """Add one chunk; ``None`` if it says nothing that a response shows."""
        if len(delta.blocks) == 1 and (block := delta.blocks[0]).type == "text" and not delta.tool_calls:
            # By far the most frequent chunk.
            self._add_block(block)
            response = copy_text_response(self._message(), block.text)
            if delta.audio:
                response.additional_kwargs["audio_delta"] = delta.audio
            return response
        added = [block for block in delta.blocks if block.type != "other"]
        calls = [call for call in delta.tool_calls if not (self._one_tool_call and call.position)]
        if not added and not calls and not delta.audio:
            return None
        for block in added:
            self._add_block(block)
        for call in calls:
            self._add_call(call)
        thinking = "".join(block.text for block in added if block.type == "thinking")
        more = {"thinking_delta": thinking, "audio_delta": delta.audio}
        return ChatResponse(
            message=self._message(),
            delta=delta.text,
            additional_kwargs={name: value for name, value in more.items() if value},
        )

    def _message(self) -> ChatMessage:
        blocks: list[ContentBlock] = []
        calls: list[dict[str, Any]] = []
        for said in self._said.values():
            if isinstance(said, AnswerToolCall):
                called = _tool_call_block(said, said.arguments)
                blocks.append(called)
                calls.append(_openai_tool_call(called))
            else:
                blocks.append(said)
        # LlamaIndex's streamed structured output looks for calls here, and only here. Its classes for OpenAI's
        # responses and Ollama would send them twice: the last response, which is what memories store, has none.
        kwargs = {"tool_calls": calls} if calls else {}
        return _MESSAGE.copy({"blocks": blocks, "additional_kwargs": kwargs})

    def _add_block(self, added: BlockDelta) -> None:
        key = "block", added.position
        known = cast("TextBlock | ThinkingBlock | None", self._said.get(key))
        if known is None:
            self._said[key] = _decode_block(added)
        elif type(known) is TextBlock:
            self._said[key] = _TEXT.copy({"text": known.text + added.text})
        else:
            known = cast("ThinkingBlock", known)
            information = {**known.additional_information, **_thinking_information(added)}
            self._said[key] = ThinkingBlock(
                content=(known.content or "") + added.text or None, additional_information=information
            )

    def _add_call(self, added: ToolCallDelta) -> None:
        key = "call", added.position
        known = cast("AnswerToolCall | None", self._said.get(key))
        if known is None:
            self._said[key] = AnswerToolCall(added.id or "", added.name or "", added.arguments)
        else:
            self._said[key] = replace(known, arguments=known.arguments + added.arguments)


def decode_completion(response: ChatResponse) -> CompletionResponse:
    """Turn a chat response into that of a completion; tool calls stand in ``additional_kwargs``."""
    calls = [_openai_tool_call(block) for block in response.message.blocks if isinstance(block, ToolCallBlock)]
    return CompletionResponse(
        text="".join(block.text for block in response.message.blocks if isinstance(block, TextBlock)),
        raw=response.raw,
        delta=response.delta,
        additional_kwargs={**({"tool_calls": calls} if calls else {}), **response.additional_kwargs},
    )


def decode_raw(answer: Answer) -> dict[str, Any]:
    """Decode how the answer ended, its usage and what the gateway says of the call; only what is known has a key.

    ``other_blocks`` are blocks as they came that are neither text nor thinking nor a tool call of ours, such as the
    calls and results of tools that the provider runs by itself; pictures are blocks of the message.
    """
    known = {
        "model": answer.model,
        "refusal": answer.refusal,
        "usage": _usage_dict(answer.usage) if answer.usage else None,
        "other_blocks": [block.raw for block in answer.blocks if block.type == "other" and not _drawn(block)],
        "audio": _without_data(answer.audio),
        "other_choices": [decode_response(other) for other in answer.others],
    }
    return {**answer.facts(), **{name: value for name, value in known.items() if value}}


def _audio_block(audio: Mapping[str, Any]) -> AudioBlock:
    sound_format = sound_type(audio["data"]).removeprefix("audio/").removeprefix("x-")
    return AudioBlock(audio=audio["data"].encode(), format=_FORMATS.get(sound_format, sound_format))


def _without_data(audio: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (audio or {}).items() if name != "data"}


def _told_of_sound(audio: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the next turn tells of a spoken answer; its id also under the name that LlamaIndex has for OpenAI."""
    told = _without_data(audio)
    return {"audio": told, "reference_audio_id": told.get("id")} if told else {}


def _decode_block(block: AnswerBlock | BlockDelta) -> TextBlock | ThinkingBlock:
    if block.type == "text":
        return TextBlock(text=block.text)
    return ThinkingBlock(content=block.text or None, additional_information=_thinking_information(block))


def _drawn(block: AnswerBlock) -> ImageBlock | None:
    """The picture that a model drew; OpenAI's form is what the gateway tells it in."""
    raw = block.raw or {}
    if raw.get("type") != "image_url":
        return None
    try:
        media = load_url(str(raw["image_url"]["url"]))
    except (ContentError, LookupError, TypeError):
        return None
    return ImageBlock(image=media.data.encode() or None, url=media.url or None, image_mimetype=media.media_type)


def _citation_block(citation: Mapping[str, Any]) -> CitationBlock:
    """Anthropic names the source by the kind of citation: a search result, a web page or a document."""
    title = citation.get("title") or citation.get("document_title") or ""
    cited = citation.get("cited_text")
    return CitationBlock(
        cited_content=TextBlock(text=cited if isinstance(cited, str) else ""),
        source=citation.get("source") or citation.get("url") or title,
        title=title,
        additional_location_info={name: value for name, value in citation.items() if isinstance(value, int)},
    )


def _thinking_information(block: AnswerBlock | BlockDelta) -> dict[str, Any]:
    """What proves the reasoning, or holds it encrypted."""
    known = {"signature": block.signature, "data": block.data}
    return {name: value for name, value in known.items() if value}


def _tool_call_block(call: AnswerToolCall, arguments: dict[str, Any] | str) -> ToolCallBlock:
    return ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=arguments)


def _openai_tool_call(call: ToolCallBlock) -> dict[str, Any]:
    given = call.tool_kwargs
    arguments = given if isinstance(given, str) else as_told(given)
    return {"id": call.tool_call_id, "type": "function", "function": {"name": call.tool_name, "arguments": arguments}}


def _usage_dict(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        **({"web_searches": usage.web_searches} if usage.web_searches else {}),
        **({"input_audio_tokens": usage.input_audio_tokens} if usage.input_audio_tokens else {}),
        **({"output_audio_tokens": usage.output_audio_tokens} if usage.output_audio_tokens else {}),
    }


def _usage(usage: Usage | None) -> dict[str, int]:
    if usage is None:
        return {}
    counts = _usage_dict(usage)
    return {"prompt_tokens": counts.pop("input_tokens"), "completion_tokens": counts.pop("output_tokens"), **counts}
