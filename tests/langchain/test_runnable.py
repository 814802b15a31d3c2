"""The model as a LangChain runnable: every way to ask, chains, caches, fallbacks, limits, callbacks, events."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.exceptions import ModelError, ModelRateLimitError
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import LLMResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import Runnable
from pydantic import BaseModel

from portkey_gateway.errors import RateLimitError
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, invoke, stream, total

COUNT = "Count to 12."
COUNTED = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"


@any_call
def test_an_answer_says_everything(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model, COUNT)
    assert answer.content == COUNTED
    usage = answer.usage_metadata
    assert usage is not None
    assert usage["input_tokens"] > 0
    assert usage["output_tokens"] > 0
    metadata = dict(answer.response_metadata)
    assert metadata.pop("id")
    assert metadata.pop("request_id").startswith("req_")
    assert answer.id is not None
    assert UUID(answer.id.removeprefix("lc_run--")[:36]).hex == metadata.pop("trace_id")
    assert metadata.pop("cost")["total"] > 0
    assert metadata == {
        "model_name": "claude-sonnet-4-6",
        "model_provider": "portkey",
        "finish_reason": "stop",
        "stop_reason": "end_turn",
        "provider": "anthropic",
        "cache_status": "DISABLED",
        "retry_count": 0,
        "target_index": "config",
    }
    assert answer.id
    assert answer.id.startswith("lc_run--")


def test_a_stream_comes_in_pieces_and_sums_up(model: ChatPortkey) -> None:
    chunks = list(model.stream(COUNT))
    assert len(chunks) > 6
    assert all(isinstance(chunk.content, str) for chunk in chunks)
    assert total(chunks).text == COUNTED
    assert [chunk.chunk_position for chunk in chunks[-2:]] == [None, "last"]
    assert [chunk.usage_metadata is not None for chunk in chunks].count(True) == 1


def test_batch_and_abatch_answer_in_order(model: ChatPortkey) -> None:
    questions: list[Any] = [f"Say exactly: {number}" for number in range(8)]
    assert [answer.text for answer in model.batch(questions)] == [str(number) for number in range(8)]
    answers = asyncio.run(model.abatch(questions, config={"max_concurrency": 3}))
    assert [answer.text for answer in answers] == [str(number) for number in range(8)]


def test_one_bad_question_of_a_batch_comes_back_as_its_error(model: ChatPortkey) -> None:
    good, bad = model.batch(["Hi", []], return_exceptions=True)
    assert isinstance(good, AIMessage)
    assert isinstance(bad, ValueError)


def test_a_model_serves_several_event_loops_and_threads(model: ChatPortkey) -> None:
    for _ in range(2):
        assert asyncio.run(model.ainvoke("Hi")).text
    chain: Runnable[Any, Any] = model | StrOutputParser()
    assert len(set(chain.batch([COUNT] * 6))) == 1


@any_call
def test_a_stop_text_ends_the_answer(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model, COUNT, stop=["7"])
    assert answer.text == "1, 2, 3, 4, 5, 6, "
    assert answer.response_metadata["stop_reason"] == "stop_sequence"
    assert answer.response_metadata["finish_reason"] == "stop"


def test_a_short_answer_says_that_it_was_cut(model: ChatPortkey) -> None:
    for answer in (invoke(model, COUNT, max_tokens=3), stream(model.bind(max_tokens=3), COUNT)):
        assert answer.response_metadata["finish_reason"] == "length"
        assert COUNTED.startswith(answer.text)


def test_a_chain_of_prompt_model_and_parser(model: ChatPortkey) -> None:
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "Say exactly: {word}")])
    chain = prompt | model | StrOutputParser()
    assert chain.invoke({"word": "pear"}) == "pear"
    assert "".join(chain.stream({"word": "plum"})) == "plum"
    assert asyncio.run(chain.ainvoke({"word": "fig"})) == "fig"


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


def test_structured_output_is_an_object(model: ChatPortkey) -> None:
    joke = model.with_structured_output(Joke).invoke("Tell me a joke about cats.")
    assert isinstance(joke, Joke)
    raw: Any = model.with_structured_output(Joke, include_raw=True).invoke("Tell me a joke about cats.")
    assert raw["parsed"] == joke
    assert raw["parsing_error"] is None


def test_structured_output_of_a_thinking_model(model: ChatPortkey) -> None:
    thinking = model.with_options(thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=3000)
    joke = thinking.with_structured_output(Joke).invoke("Use the Joke tool to tell me a joke about cats.")
    assert isinstance(joke, Joke)


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_streaming_behind_invoke_gives_the_same_answer(
    model: ChatPortkey, sandbox: Sandbox, how: str, *, streaming: bool
) -> None:
    asked = model.with_options(streaming=streaming)
    answer = asked.invoke(COUNT) if how == "invoke" else asyncio.run(asked.ainvoke(COUNT))
    assert answer.text == COUNTED
    assert bool(sandbox.claude.requests[-1].body.get("stream")) is streaming
    assert answer.usage_metadata == invoke(model, COUNT).usage_metadata


def test_streaming_can_be_disabled(model: ChatPortkey, sandbox: Sandbox) -> None:
    quiet = model.with_options(disable_streaming=True)
    [chunk] = list(quiet.stream(COUNT))
    assert chunk.text == COUNTED
    assert not sandbox.claude.requests[-1].body.get("stream")
    half = model.with_options(disable_streaming="tool_calling")
    assert len(list(half.stream(COUNT))) > 1
    assert len(list(half.bind_tools([Joke]).stream(COUNT))) == 1


def test_a_cache_answers_the_second_time(model: ChatPortkey, sandbox: Sandbox) -> None:
    cached = model.with_options(cache=InMemoryCache())
    first, second = cached.invoke("Hi"), cached.invoke("Hi")
    assert first.content == second.content
    assert len(sandbox.claude.requests) == 1
    asyncio.run(cached.ainvoke("Hi"))
    cached.with_options(temperature=0.5).invoke("Hi")
    assert len(sandbox.claude.requests) == 2


def test_a_rate_limiter_is_asked(model: ChatPortkey) -> None:
    limiter = InMemoryRateLimiter(requests_per_second=1000, max_bucket_size=1)
    limited = model.with_options(rate_limiter=limiter)
    assert [limited.invoke("Say exactly: a").text, stream(limited, "Say exactly: b").text] == ["a", "b"]


def test_with_retry_tries_again(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.inject(Fault("status", status=429, message="Slow down", times=2))
    patient = model.with_retry(
        retry_if_exception_type=(ModelRateLimitError,), stop_after_attempt=3, wait_exponential_jitter=False
    )
    assert patient.invoke("Say exactly: a").text == "a"
    assert len(sandbox.claude.requests) == 3


def test_fallbacks_take_over(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.inject(Fault("status", status=429, message="Slow down", times=2, match="sonnet"))
    other = model.with_options(model="claude-haiku-4-5")
    for errors in ((ModelError,), (RateLimitError,)):
        answer = model.with_fallbacks([other], exceptions_to_handle=errors).invoke("Hi")
        assert answer.response_metadata["model_name"] == "claude-haiku-4-5"


def test_fallbacks_take_over_before_the_first_chunk(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.inject(Fault("status", status=529, match="sonnet"))
    chain = model.with_fallbacks([model.with_options(model="claude-haiku-4-5")])
    assert stream(chain, COUNT).text == COUNTED


class Listener(BaseCallbackHandler):
    """Notes what a handler is told."""

    def __init__(self) -> None:
        self.tokens: list[Any] = []
        self.results: list[LLMResult] = []
        self.errors: list[BaseException] = []
        self.started: list[dict[str, Any]] = []
        self.invocations: list[dict[str, Any]] = []

    def on_chat_model_start(self, serialized: dict[str, Any], messages: Any, **kwargs: Any) -> None:
        del messages
        self.started.append(serialized)
        self.invocations.append(kwargs)

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        assert kwargs["chunk"] is not None
        self.tokens.append(token)

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        del kwargs
        self.results.append(response)

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        del kwargs
        self.errors.append(error)


@any_call
def test_handlers_hear_tokens_and_usage(model: ChatPortkey, ask: Ask) -> None:
    listener = Listener()
    answer = ask(model.with_config(callbacks=[listener]), COUNT)
    [result] = listener.results
    message: Any = result.generations[0][0]
    assert message.message.usage_metadata == answer.usage_metadata
    assert message.text == COUNTED
    assert "".join(listener.tokens) == ("" if ask.__name__ in {"invoke", "ainvoke"} else COUNTED)


def test_each_token_is_told_once_where_invoke_streams(model: ChatPortkey) -> None:
    listener = Listener()
    asked = model.with_options(streaming=True).with_config(callbacks=[listener])
    asked.invoke(COUNT)
    asyncio.run(asked.ainvoke(COUNT))
    assert "".join(listener.tokens) == COUNTED * 2


@any_call
def test_handlers_hear_of_errors(model: ChatPortkey, sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.inject(Fault("status", status=400, message="No."))
    listener = Listener()
    with pytest.raises(ModelError):
        ask(model.with_config(callbacks=[listener]), "Hi")
    [error] = listener.errors
    assert isinstance(error, ModelError)
    assert listener.results == []


class AsyncListener(AsyncCallbackHandler):
    """Notes tokens from an event loop."""

    def __init__(self) -> None:
        self.tokens = ""

    async def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        del kwargs
        await asyncio.sleep(0)
        self.tokens += token


def test_async_handlers_hear_tokens(model: ChatPortkey) -> None:
    listener = AsyncListener()
    asyncio.run(model.with_options(streaming=True).ainvoke(COUNT, config={"callbacks": [listener]}))
    assert listener.tokens == COUNTED


def test_events_tell_the_stream(model: ChatPortkey) -> None:
    chain = ChatPromptTemplate.from_messages([("human", "{question}")]) | model | StrOutputParser()

    async def collect() -> list[Any]:
        return [event async for event in chain.astream_events({"question": COUNT}, version="v2")]

    events = asyncio.run(collect())
    chunks = [event["data"]["chunk"] for event in events if event["event"] == "on_chat_model_stream"]
    assert total(chunks).text == COUNTED
    [end] = [event["data"]["output"] for event in events if event["event"] == "on_chat_model_end"]
    assert end.usage_metadata["output_tokens"] > 0


QUESTION = "Count to 12. Then use the Joke tool."


def test_protocol_events_tell_the_same_answer(model: ChatPortkey) -> None:
    """LangGraph's newest way to stream: typed events, from which the message is put together."""
    thinking = model.with_options(thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=3000)
    bound = thinking.bind_tools([Joke])
    listener = Listener()
    told: Any = thinking.with_config(callbacks=[listener]).stream_events(COUNT, version="v3")
    assert told.output.text == COUNTED
    assert "".join(listener.tokens) == COUNTED

    async def collect() -> Any:
        return await (await bound.astream_events(QUESTION, version="v3"))

    whole: Any = bound.invoke(QUESTION)
    message: Any = asyncio.run(collect())
    assert message.tool_calls == whole.tool_calls


def test_standard_parameters_are_told_to_tracers(model: ChatPortkey) -> None:
    tuned = model.with_options(temperature=0.5, max_tokens=9, stop_sequences=["END"])
    assert tuned._get_ls_params() == {
        "ls_provider": "portkey",
        "ls_model_name": "claude-sonnet-4-6",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 9,
        "ls_stop": ["END"],
    }
    assert tuned._get_ls_params(stop=["X"]).get("ls_stop") == ["X"]
    assert tuned._llm_type == "anthropic-chat"
