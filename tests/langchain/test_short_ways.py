"""Where LangChain's own way takes long, ours is a shorter one that comes to the same: these fail loudly if it moves."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel, chat_models
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage

from portkey_gateway.conversation.answer import Answer, AnswerBlock, BlockDelta, Delta
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.info import GatewayInfo
from portkey_gateway.options import MASK
from portkey_langchain import ChatPortkey
from portkey_langchain.calling import CallingModel
from portkey_langchain.decode import (
    ContentState,
    copy_text_chunk,
    copy_text_message,
    decode_message,
    make_text_chunk,
    make_text_message,
)
from portkey_langchain.encode import encode_messages
from portkey_langchain.late_list import GrowingChunk


@pytest.mark.parametrize("name", ["_generate", "_agenerate"])
def test_the_signature_that_is_kept_is_the_methods_own(name: str) -> None:
    method = getattr(CallingModel, name)
    kept = method.__signature__
    del method.__signature__
    try:
        assert inspect.signature(method) == kept
    finally:
        method.__signature__ = kept


@pytest.mark.parametrize("name", ["_generate", "_agenerate"])
def test_langchain_still_asks_for_it_at_every_call(name: str) -> None:
    """If it does no longer, ``__signature__`` has no purpose any more."""
    assert f'_signature_parameters(self.{name}).get("run_manager")' in inspect.getsource(chat_models)
    model = ChatPortkey(model="m", base_url="http://127.0.0.1:9/v1", provider="anthropic")
    assert "run_manager" in inspect.signature(getattr(model, name)).parameters


@pytest.mark.parametrize(
    ("others", "is_asked"), [([], False), ([BaseCallbackHandler()], True)], ids=["ours", "another"]
)
def test_our_handler_alone_is_not_asked_whether_it_streams(
    others: list[BaseCallbackHandler], is_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def should_stream(_: BaseChatModel, *, run_manager: Any, **_kwargs: Any) -> bool:
        asked.append(bool(run_manager))
        raise InterruptedError

    monkeypatch.setattr(BaseChatModel, "_should_stream", should_stream)
    model = ChatPortkey(model="m", base_url="http://127.0.0.1:9/v1", provider="anthropic")
    with pytest.raises(InterruptedError):
        model.invoke("Hello", {"callbacks": others})
    assert asked == [is_asked]


@pytest.mark.parametrize("kind", [AIMessageChunk, GrowingChunk])
@pytest.mark.parametrize("text", ["a", " two words", "é😀", "\n"])
def test_a_copied_chunk_is_what_the_constructors_make(text: str, kind: type[AIMessageChunk]) -> None:
    copied, made = copy_text_chunk(text, kind), make_text_chunk(text, kind)

    assert copied == made
    assert copied.__getstate__() == made.__getstate__()
    assert copied.message.__getstate__() == made.message.__getstate__()
    assert type(copied.message) is kind
    assert {*vars(copied.message)} == {*AIMessageChunk.model_fields}
    assert pickle.loads(pickle.dumps(copied)) == made
    assert copied.model_dump() == made.model_dump()
    assert (copied.text, copied.message.text, repr(copied)) == (text, text, repr(made))


def test_copied_chunks_share_nothing_that_can_be_changed() -> None:
    first, second = copy_text_chunk("a"), copy_text_chunk("b")
    shared = [
        name
        for name, value in vars(first.message).items()
        if isinstance(value, dict | list) and value is vars(second.message)[name]
    ]
    assert not shared
    first.message.response_metadata["x"] = 1
    first.message.id = "run-1"
    assert copy_text_chunk("c") == make_text_chunk("c")
    assert (first + second).message.content == "ab"
    assert first.message.model_fields_set is not second.message.model_fields_set


def test_copied_first_chunks_share_nothing_that_is_private() -> None:
    first, second = copy_text_chunk("a", GrowingChunk), copy_text_chunk("b", GrowingChunk)
    assert first.message.__pydantic_private__ == second.message.__pydantic_private__ == {"_begun": None}
    assert first.message.__pydantic_private__ is not second.message.__pydantic_private__
    whole = (first + second).message
    assert (type(whole), whole.content) == (AIMessageChunk, "ab")


def test_only_chunks_of_text_alone_take_the_short_way() -> None:
    state = ContentState()
    chunks = [state.decode_chunk(Delta((BlockDelta(0, "text", text),))) for text in ("Hel", "lo.")]
    assert [type(chunk.message).__name__ for chunk in chunks if chunk] == ["GrowingChunk", "AIMessageChunk"]
    thought = state.decode_chunk(Delta((BlockDelta(1, "thinking", "Hm."),)))
    assert thought is not None
    assert isinstance(thought.message.content, list)


_TOLD = Answer(
    (AnswerBlock("text", "Hello."),),
    stop_reason="end_turn",
    usage=Usage(input_tokens=12, output_tokens=3, cache_read_tokens=5, cache_write_tokens=2, cache_write_1h_tokens=1),
    extras={"service_tier": "flex", "system_fingerprint": "fp_1"},
    model="claude-sonnet-4-6",
    provider="anthropic",
    id="msg_1",
    info=GatewayInfo(trace_id="trace-1", request_id="req_1"),
)


@pytest.mark.parametrize("answer", [Answer(), _TOLD], ids=["bare", "told"])
@pytest.mark.parametrize("text", ["Hello.", "", "é😀\n"])
def test_a_copied_message_is_what_the_constructor_makes(text: str, answer: Answer) -> None:
    copied, made = copy_text_message(text, answer), make_text_message(text, answer)

    assert copied == made
    assert copied.__getstate__() == made.__getstate__()
    assert {*vars(copied)} == {*AIMessage.model_fields}
    assert pickle.loads(pickle.dumps(copied)) == made
    assert copied.model_dump() == made.model_dump()
    assert (copied.text, repr(copied)) == (text, repr(made))


def test_copied_messages_share_nothing_that_can_be_changed() -> None:
    first, second = decode_message(_TOLD), decode_message(_TOLD)
    shared = [
        name for name, value in vars(first).items() if isinstance(value, dict | list) and value is vars(second)[name]
    ]
    assert not shared
    assert first.model_fields_set is not second.model_fields_set
    first.id = "run-1"
    first.tool_calls.append({"name": "f", "args": {}, "id": "1"})
    assert decode_message(_TOLD) == second == make_text_message("Hello.", _TOLD)


@pytest.mark.parametrize(
    "make",
    [lambda: decode_message(_TOLD), lambda: copy_text_chunk("a"), lambda: copy_text_chunk("a").message],
    ids=["message", "chunk", "message of a chunk"],
)
def test_what_a_user_adds_to_a_copy_stands_on_no_other(make: Callable[[], Any]) -> None:
    first, second = make(), make()
    if type(first).model_config.get("extra") != "allow":
        with pytest.raises(ValueError, match="no field"):
            first.reviewed_by = "Ann"
        return
    first.reviewed_by = "Ann"

    assert first.reviewed_by == "Ann"
    assert first.model_dump()["reviewed_by"] == "Ann"
    for other in (second, make()):
        assert not hasattr(other, "reviewed_by")
        assert "reviewed_by" not in other.model_dump()


def test_what_a_class_of_a_users_says_of_itself_by_the_older_method_is_heard() -> None:
    class Older(ChatPortkey):
        def dict(self, **_: Any) -> dict[str, Any]:
            return {"model": "of the older method", "api_key": "sk-secret-0123"}

    options: dict[str, Any] = {"model": "m", "base_url": "http://127.0.0.1:9/v1", "provider": "anthropic"}
    own, older = ChatPortkey(**options), Older(**options)
    told = older._get_invocation_params(stop=["."], seed=1)
    assert told == {"model": "of the older method", "api_key": MASK, "stop": ["."], "seed": 1}
    assert own._get_invocation_params(stop=["."], seed=1) == {
        **BaseChatModel._get_invocation_params(own, stop=["."], seed=1)
    }


class _Own(AIMessage):
    """A class of a user's."""


class _OwnResult(ToolMessage):
    """Another one."""


@pytest.mark.parametrize(
    ("message", "more"),
    [
        (HumanMessage("Hi"), {}),
        (HumanMessage("Hi", name="Ann"), {"name": "Ann"}),
        (AIMessage("Hi"), {}),
        (_Own(content="Hi"), {}),
        (AIMessage("Hi", response_metadata={"model_provider": "anthropic"}), {}),
    ],
)
def test_a_text_alone_is_said_as_it_is(message: Any, more: dict[str, Any]) -> None:
    role = "user" if isinstance(message, HumanMessage) else "assistant"

    assert encode_messages([HumanMessage("?"), message])[1] == {"role": role, "content": "Hi", **more}


def test_what_stands_beside_a_text_is_not_lost() -> None:
    call = {"name": "look", "args": {}, "id": "call_1"}
    said: Any = encode_messages(
        [HumanMessage("?"), AIMessage("Hi", tool_calls=[call]), _OwnResult(content="42", tool_call_id="call_1")]
    )

    assert [each["role"] for each in said] == ["user", "assistant", "tool"]
    assert said[1]["tool_calls"][0]["id"] == said[2]["tool_call_id"] == "call_1"
    spoken = AIMessage("Hi", additional_kwargs={"audio": {"id": "a", "transcript": "Hi"}})
    assert "audio" in encode_messages([spoken])[0]
