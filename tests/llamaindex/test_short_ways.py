"""Where LlamaIndex's constructors take long, a copy is made that comes to the same."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import pickle
from typing import Any, Final, cast

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ImageBlock, MessageRole, TextBlock
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import Dispatcher
from llama_index_instrumentation.span_handlers import SimpleSpanHandler

from portkey_gateway.conversation.answer import BlockDelta, Delta, ToolCallDelta
from portkey_gateway.errors import PortkeyError
from portkey_llamaindex import Portkey
from portkey_llamaindex.decode import GrowingResponse, copy_text_response, make_text_response
from portkey_llamaindex.encode import encode_messages

OPTIONS: Final[dict[str, Any]] = {
    "model": "claude-sonnet-4-5", "base_url": "http://127.0.0.1:9/v1", "provider": "anthropic", "max_retries": 0,
}  # fmt: skip


def test_a_copied_message_is_what_the_constructor_makes() -> None:
    growing = GrowingResponse()
    growing.add(Delta((BlockDelta(0, "text", "Hel"),)))
    response = growing.add(Delta((BlockDelta(0, "text", "lo."),)))

    assert response is not None
    made = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text="Hello.")], additional_kwargs={})
    assert response.message == made
    assert response.message.__getstate__() == made.__getstate__()
    assert {*vars(response.message)} == {*ChatMessage.model_fields}
    assert response.message.model_dump() == made.model_dump()
    assert pickle.loads(pickle.dumps(response.message)) == made
    assert (str(response.message), response.delta) == (str(made), "lo.")
    [block] = response.message.blocks
    assert block.__getstate__() == TextBlock(text="Hello.").__getstate__()


@pytest.mark.parametrize("text", ["a", " two words", "é😀", "\n"])
def test_a_copied_response_is_what_the_constructor_makes(text: str) -> None:
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text="Hello.")], additional_kwargs={})
    copied, made = copy_text_response(message, text), make_text_response(message, text)

    assert copied == made
    assert copied.__getstate__() == made.__getstate__()
    assert copied.message is made.message is message
    assert {*vars(copied)} == {*ChatResponse.model_fields}
    assert copied.model_dump() == made.model_dump()
    assert pickle.loads(pickle.dumps(copied)) == made
    assert copied.additional_kwargs is not copy_text_response(message, text).additional_kwargs


@pytest.mark.parametrize("name", ["chat", "astream_chat", "complete", "acomplete"])
def test_the_signature_that_is_kept_is_the_methods_own(name: str) -> None:
    method = inspect.unwrap(getattr(Portkey, name))
    asked_for: list[inspect.Signature] = []

    class Handler(SimpleSpanHandler):
        def new_span(self, id_: str, bound_args: Any, *given: Any, **more: Any) -> Any:
            asked_for.append(bound_args.signature)
            return super().new_span(id_, bound_args, *given, **more)

    dispatcher = get_dispatcher("portkey_llamaindex.announce")
    handlers = dispatcher.span_handlers
    dispatcher.span_handlers = [Handler()]
    try:
        with contextlib.suppress(PortkeyError):
            answer = getattr(Portkey(**OPTIONS), name)("Hi" if "complete" in name else [ChatMessage("Hi")])
            if inspect.isawaitable(answer):
                asyncio.run(cast("Any", answer))
    finally:
        dispatcher.span_handlers = handlers
    own = inspect.signature(method)
    assert asked_for == [own.replace(parameters=[*own.parameters.values()][1:])]


def test_llamaindex_still_asks_for_it_at_every_call() -> None:
    """If it does no longer, ``__signature__`` has no purpose any more."""
    assert inspect.getsource(Dispatcher.span).count("inspect.signature(func).bind(") == len(["sync", "async"])


def test_copied_messages_share_nothing_that_can_be_changed() -> None:
    growing = GrowingResponse()
    first = growing.add(Delta((BlockDelta(0, "text", "a"),)))
    second = growing.add(Delta((BlockDelta(0, "text", "b"),)))

    assert first is not None
    assert second is not None
    first.message.additional_kwargs["x"] = 1
    first.message.blocks.append(TextBlock(text="!"))
    assert second.message.content == "ab"
    assert second.message.additional_kwargs == {}
    assert first.message.blocks[0] is not second.message.blocks[0]


def test_what_comes_beside_a_text_is_shown() -> None:
    growing = GrowingResponse()
    both = growing.add(Delta((BlockDelta(0, "text", "a"),), (ToolCallDelta(0, "call_1", "look", "{}"),)))
    thought = growing.add(Delta((BlockDelta(1, "thinking", "Hm."),)))

    assert both is not None
    assert thought is not None
    assert [call["id"] for call in both.message.additional_kwargs["tool_calls"]] == ["call_1"]
    assert thought.additional_kwargs["thinking_delta"] == "Hm."


def test_a_text_alone_is_said_as_it_is() -> None:
    told: Any = encode_messages(
        [
            ChatMessage("Be brief.", role="system"),
            ChatMessage("Hi"),
            ChatMessage("Hello.", role="assistant"),
            ChatMessage("Hi", role="user", additional_kwargs={"cache_control": {"type": "ephemeral"}}),
            ChatMessage(blocks=[TextBlock(text="a"), ImageBlock(image=b"iVBORw0KGgo=", image_mimetype="image/png")]),
        ]
    )

    assert told[:3] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
    ]
    assert told[3]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert len(told[4]["content"]) == 2
