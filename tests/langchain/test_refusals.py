"""A refusal, of Claude and of OpenAI, as LangChain's standard block; ``ModelRefusalMiddleware`` looks for that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from portkey_langchain.refusal import REFUSALS
from tests.langchain.ask import Ask, any_call

pytestmark = pytest.mark.filterwarnings("ignore:.*_achat_model_stream_v3.* is in beta")

NO = "I will not."
WHY = {"category": "cyber", "explanation": NO}


class Weather(BaseModel):
    """The weather of a city."""

    city: str


def blocks(answer: AIMessage) -> list[dict[str, Any]]:
    return [{key: value for key, value in block.items() if key != "index"} for block in answer.content_blocks]


@any_call
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_claude_s_refusal_is_a_block_with_its_reason(
    model: ChatPortkey, sandbox: Sandbox, ask: Ask, version: str, api_format: str
) -> None:
    """Over chat completions the gateway tells the stop reason alone (1.15.2)."""
    sandbox.claude.reply_with("Well, I", stop_reason="refusal", refusal=WHY)
    told = {"refusal": NO, "extras": {"category": "cyber"}} if api_format == "messages" else {"refusal": ""}
    answer = ask(model.with_options(output_version=version), "Hi")
    assert blocks(answer) == [{"type": "text", "text": "Well, I"}, {"type": "refusal", **told}]
    assert answer.text == "Well, I"


@any_call
def test_a_refusal_without_a_word_is_a_block_alone(model: ChatPortkey, sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.reply_with(stop_reason="refusal")
    assert blocks(ask(model, "Hi")) == [{"type": "refusal", "refusal": ""}]


@any_call
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_openai_s_refusal_is_a_block_with_its_words(
    portkey_sandbox_with_openai: Sandbox, ask: Ask, version: str
) -> None:
    sandbox = portkey_sandbox_with_openai
    sandbox.openai.clear()
    sandbox.openai.reply_with(refusal=NO)
    model = ChatPortkey(model="gpt-4o", output_version=version, max_retries=0, **sandbox.options("openai"))
    answer = ask(model, "Hi")
    assert blocks(answer) == [{"type": "refusal", "refusal": NO}]
    assert answer.additional_kwargs["refusal"] == NO


@pytest.mark.parametrize("reason", sorted(REFUSALS))
def test_gemini_s_reasons_are_refusals_too(reason: str) -> None:
    metadata = {"model_provider": "portkey", "stop_reason": reason}
    assert AIMessage("", response_metadata=metadata).content_blocks == [{"type": "refusal", "refusal": ""}]


@pytest.mark.parametrize("reason", ["end_turn", "stop", "max_tokens", "SPII", None])
def test_other_reasons_are_none(reason: str | None) -> None:
    metadata = {"model_provider": "portkey", "stop_reason": reason}
    assert AIMessage("Hi", response_metadata=metadata).content_blocks == [{"type": "text", "text": "Hi"}]


async def _aevents(model: ChatPortkey) -> tuple[list[Any], AIMessage]:
    stream = await model.astream_events("Hi", version="v3")
    return [event async for event in stream], await stream.output


def _events(model: ChatPortkey) -> tuple[list[Any], AIMessage]:
    stream = model.stream_events("Hi", version="v3")
    return [*stream], stream.output


@pytest.mark.parametrize("said", [["Well, I"], []], ids=["behind a text", "alone"])
@pytest.mark.parametrize("run", [_events, lambda model: asyncio.run(_aevents(model))], ids=["sync", "async"])
def test_events_tell_it_and_so_does_what_is_put_together_of_them(
    model: ChatPortkey, sandbox: Sandbox, run: Any, said: list[str], api_format: str
) -> None:
    sandbox.claude.reply_with(*said, stop_reason="refusal", refusal=WHY)
    events, answer = run(model)
    told = {"refusal": NO, "extras": {"category": "cyber"}} if api_format == "messages" else {"refusal": ""}
    texts = [{"type": "text", "text": text} for text in said]
    ends = [event["content"]["type"] for event in events if event["event"] == "content-block-finish"]
    assert ends == [*("text" for _ in said), "refusal"]
    assert blocks(answer) == [*texts, {"type": "refusal", **told}]
    assert answer.text == "".join(said)
    sandbox.claude.reply_with("a")
    assert model.invoke([HumanMessage("Hi"), answer, HumanMessage("And?")]).text == "a"


def test_langchain_leaves_the_block_out_of_what_it_puts_together() -> None:
    """It keeps the kinds of blocks that it lists (`ChatModelStream`, langchain-core 1.7.2, 1.8.3): why we put it in."""
    stream = ChatModelStream()
    told = [{"type": "text", "text": "Well, I"}, {"type": "refusal", "refusal": NO}]
    events: list[Any] = [{"event": "content-block-finish", "index": at, "content": told[at]} for at in range(2)]
    for event in [{"event": "message-start"}, *events, {"event": "message-finish"}]:
        stream.dispatch(event)
    assert stream.output_message
    assert [block["type"] for block in stream.output_message.content_blocks] == ["text"]


@any_call
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_conversation_goes_on_after_it(model: ChatPortkey, sandbox: Sandbox, ask: Ask, version: str) -> None:
    sandbox.claude.reply_with("Well, I", stop_reason="refusal", refusal=WHY)
    versed = model.with_options(output_version=version)
    history = [HumanMessage("Hi"), ask(versed, "Hi"), HumanMessage("Say exactly: a")]
    assert ask(versed, history).text == "a"


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_the_error_of_an_object_tells_why(model: ChatPortkey, sandbox: Sandbox, method: Any, api_format: str) -> None:
    chain = model.with_structured_output(Weather, method=method)
    why = r"refusal \(I will not\.\)" if api_format == "messages" else "refusal"
    for call in (chain.invoke, lambda question: list(chain.stream(question))):
        sandbox.claude.reply_with('{"city": "Par', stop_reason="refusal", refusal=WHY)
        with pytest.raises(OutputParserException, match=f"no object of the schema; .* {why}") as caught:
            call("Where?")
        assert vars(caught.value)["raw_message"].response_metadata["stop_reason"] == "refusal"


def test_openai_s_refusal_is_no_object(portkey_sandbox_with_openai: Sandbox) -> None:
    sandbox = portkey_sandbox_with_openai
    sandbox.openai.clear()
    sandbox.openai.reply_with(refusal=NO)
    model = ChatPortkey(model="gpt-4o", max_retries=0, **sandbox.options("openai"))
    chain: Any = model.with_structured_output(Weather, method="json_schema", include_raw=True)
    found = chain.invoke("Where?")
    assert found["parsed"] is None
    assert NO in str(found["parsing_error"])
