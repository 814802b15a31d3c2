"""``PortkeyPrompt.completion``: the prompt's own model in one call, through the real gateway."""

from __future__ import annotations

import asyncio
import functools
import operator
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import BaseModel

from portkey_gateway import EncodingError, MissingVariablesError, NotFoundError, StreamTruncatedError
from portkey_gateway.sandbox import SpanReceiver
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_langchain import PortkeyPrompt, PortkeyTracer

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

Completion: TypeAlias = Runnable[dict[str, Any], AIMessage]
VALUES = {"company": "ACME", "mood": "kind", "question": "Where is it?"}


def make(library: Sandbox, prompt_id: str = "pp-support", **more: Any) -> Completion:
    return PortkeyPrompt(prompt_id, max_retries=0, **library.account(), **more).completion


def whole(completion: Completion, values: Any) -> dict[str, Any]:
    return told(completion.invoke(values))


def streamed(completion: Completion, values: Any) -> dict[str, Any]:
    return told(added(list(completion.stream(values))))


def awhole(completion: Completion, values: Any) -> dict[str, Any]:
    async def answered() -> Any:
        return await completion.ainvoke(values)

    return told(asyncio.run(answered()))


def astreamed(completion: Completion, values: Any) -> dict[str, Any]:
    async def chunks() -> list[Any]:
        return [chunk async for chunk in completion.astream(values)]

    return told(added(asyncio.run(chunks())))


def asked_by(chain: Any, way: str, values: Any, config: Any) -> Any:
    """Ask, and put together what was streamed."""

    async def wait() -> Any:
        if way == "ainvoke":
            return await chain.ainvoke(values, config)
        chunks = [chunk async for chunk in chain.astream(values, config)]
        return functools.reduce(operator.add, chunks)

    if way.startswith("a"):
        return asyncio.run(wait())
    return (
        chain.invoke(values, config)
        if way == "invoke"
        else functools.reduce(operator.add, chain.stream(values, config))
    )


def added(chunks: list[Any]) -> Any:
    first, *others = chunks
    return first.__add__(others)


def told(message: Any) -> dict[str, Any]:
    """What is said, without what differs from call to call."""
    metadata = {name: value for name, value in message.response_metadata.items() if name not in {"id", "request_id"}}
    metadata.pop("trace_id")
    return {
        "blocks": [
            {name: block[name] for name in block if name not in {"id", "index"}} for block in message.content_blocks
        ],
        "tool_calls": [(call["name"], call["args"]) for call in message.tool_calls],
        "usage": message.usage_metadata,
        "metadata": metadata,
    }


@pytest.mark.parametrize(
    ("prompt_id", "values"),
    [("pp-support", VALUES), ("pp-forecast", {"city": "Oslo"}), ("pp-thinking", {"question": "Why?"})],
)
def test_the_four_ways_to_ask_answer_alike(library: Sandbox, prompt_id: str, values: dict[str, str]) -> None:
    completion = make(library, prompt_id)

    answers = [ask(completion, values) for ask in (whole, streamed, awhole, astreamed)]

    assert answers[1:] == answers[:1] * 3
    assert answers[0]["usage"]["output_tokens"] > 0
    assert answers[0]["metadata"]["model_name"] == "claude-sonnet-4-6"
    paths = [request.path for request in library.control_plane.requests if request.method == "POST"]
    assert paths == [f"/v1/prompts/{prompt_id}/completions"] * 4


def test_tools_and_thoughts_are_decoded_as_in_any_answer(library: Sandbox) -> None:
    called = whole(make(library, "pp-forecast"), "Oslo")
    thought = whole(make(library, "pp-thinking"), "Why?")

    assert called["tool_calls"] == [("get_weather", {"city": "Oslo"})]
    assert [block["type"] for block in thought["blocks"]] == ["reasoning", "text"]


def test_batches_answer_in_order(library: Sandbox) -> None:
    completion = make(library)
    inputs: list[Any] = [{**VALUES, "question": f"Number {number}?"} for number in range(3)]

    async def abatch() -> list[Any]:
        return await completion.abatch(inputs)

    for answers in (completion.batch(inputs), asyncio.run(abatch())):
        assert [f"Number {number}?" in answer.text for number, answer in enumerate(answers)] == [True] * 3


@pytest.mark.parametrize("ask", [whole, streamed, awhole, astreamed])
def test_missing_variables_and_wrong_inputs_reach_no_model(library: Sandbox, ask: Any) -> None:
    completion = make(library)
    with pytest.raises(MissingVariablesError, match="needs 'mood', 'question' too"):
        ask(completion, {"company": "ACME"})
    with pytest.raises(EncodingError, match="and no messages"):
        ask(completion, [("human", "Hi")])
    with pytest.raises(EncodingError, match=r"'question' .* JSON does not know"):
        ask(completion, {**VALUES, "question": object()})
    with pytest.raises(NotFoundError, match="has no version 9"), pytest.warns(match="not checked"):
        ask(make(library, "pp-support@9"), VALUES)

    assert library.claude.requests == []


def test_partial_variables_overrides_and_options_of_one_call(library: Sandbox) -> None:
    prompt = PortkeyPrompt("pp-support", overrides={"max_tokens": 99}, **library.account())
    completion: Any = prompt.partial(company="ACME", mood="kind").completion

    completion.invoke("Hi")
    answer = completion.invoke("Hi", max_tokens=5, trace_id="order-4711", stop=["never"])

    assert [request.body["max_tokens"] for request in library.claude.requests] == [99, 5]
    assert library.claude.requests[-1].body["stop_sequences"] == ["never"]
    assert answer.response_metadata["trace_id"] == "order-4711"
    assert answer.response_metadata["finish_reason"] == "length"


def test_a_completion_stands_in_the_trace_of_its_chain(library: Sandbox) -> None:
    ask: RunnableLambda[str, dict[str, Any]] = RunnableLambda(lambda question: {**VALUES, "question": question})
    chain = (ask | make(library)).with_config(run_name="support")

    answer = chain.invoke("Hi", config={"tags": ["nightly"], "metadata": {"user_id": "u-17"}})

    headers = library.control_plane.requests[-1].headers
    assert headers["x-portkey-trace-id"] == answer.response_metadata["trace_id"]
    assert headers["x-portkey-parent-span-id"] != headers["x-portkey-span-id"]
    assert '"user_id":"u-17"' in headers["x-portkey-metadata"]
    assert "nightly" in headers["x-portkey-metadata"]


def test_its_span_is_named_by_the_prompt_and_tells_no_model_that_there_is_not(library: Sandbox) -> None:
    with SpanReceiver() as receiver, closing(PortkeyTracer(endpoint=receiver.endpoint)) as tracer:
        make(library).invoke(VALUES, {"callbacks": [tracer]})
        tracer.flush()
        [span] = receiver.spans
    assert span.name == "chat pp-support"
    assert span.attributes["gen_ai.prompt.name"] == "pp-support"
    assert "gen_ai.request.model" not in span.attributes
    assert span.attributes["gen_ai.response.model"] == "claude-sonnet-4-6"


def test_what_breaks_off_is_no_answer(library: Sandbox) -> None:
    library.claude.inject(Fault("truncate", after=4))
    with pytest.raises(StreamTruncatedError):
        list(make(library).stream(VALUES))


class City(BaseModel):
    """A city."""

    name: str


@pytest.mark.parametrize("include_raw", [False, True])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream"])
def test_it_answers_with_objects(library: Sandbox, way: str, *, include_raw: bool) -> None:
    completion: Any = make(library)
    chain = completion.with_structured_output(City, include_raw=include_raw)
    values = {**VALUES, "question": "The name is Oslo."}
    if way == "stream":
        # Of what is streamed beside the raw answer, only the parsed object is looked at.
        answers: Any = [
            each for each in chain.stream(values) if not isinstance(each, dict) or each.get("parsed") is not None
        ]
        answer = answers[-1]
    else:
        answer = chain.invoke(values) if way == "invoke" else asyncio.run(chain.ainvoke(values))
    assert answer["parsed"] == City(name="Oslo") if include_raw else answer == City(name="Oslo")
    [request] = [each for each in library.control_plane.requests if each.method == "POST"]
    assert request.path == "/v1/prompts/pp-support/completions"
    [sent] = library.claude.requests
    assert [tool["name"] for tool in sent.body["tools"]] == ["City"]
    assert sent.body["tool_choice"]["type"] == "any"


def test_where_no_tool_can_be_forced_the_form_is_asked_for(library: Sandbox) -> None:
    completion: Any = make(library, "pp-thinking")
    with pytest.raises(OutputParserException):
        # The open-source gateway carries no form to a Claude.
        completion.with_structured_output(City).invoke({"question": "The name is Oslo."})
    body = library.control_plane.requests[-1].body
    assert body["response_format"]["json_schema"]["name"] == "City"
    assert "tools" not in body


WITH_THOUGHT = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}


@pytest.mark.parametrize(
    ("method", "more"), [("json_schema", {}), ("json_schema", WITH_THOUGHT), ("function_calling", WITH_THOUGHT)]
)
def test_the_prompts_own_tools_are_not_called_in_the_place_of_an_object(
    library: Sandbox, method: str, more: dict[str, Any]
) -> None:
    completion: Any = make(library, "pp-forecast", overrides=more)
    for chain in (
        completion.with_structured_output(City, method=method),
        completion.with_structured_output(City, method=method, include_raw=True),
    ):
        # The open-source gateway carries no form to a Claude, who therefore answers in words.
        with pytest.raises(OutputParserException):
            raise chain.invoke({"city": "Oslo"})["parsing_error"]
        body = library.control_plane.requests[-1].body
        assert body["response_format"]["json_schema"]["name"] == "City"
        assert body["tool_choice"] == "none"
        assert "tools" not in body
        sent = library.claude.requests[-1].body
        assert [tool["name"] for tool in sent["tools"]] == ["get_weather"]
        assert sent["tool_choice"] == {"type": "none"}


def test_the_object_takes_the_place_of_the_prompts_own_tools(library: Sandbox) -> None:
    completion: Any = make(library, "pp-forecast")
    assert completion.with_structured_output(City).invoke({"city": "Oslo"}) == City(name="Oslo")
    assert [tool["name"] for tool in library.claude.requests[-1].body["tools"]] == ["City"]


def test_tools_that_a_call_offers_beside_the_form_may_be_called(library: Sandbox) -> None:
    completion: Any = make(library)
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    asked = {"type": "json_schema", "json_schema": {"name": "City", "schema": City.model_json_schema()}}
    completion.invoke(VALUES, tools=[tool], response_format=asked)
    assert "tool_choice" not in library.control_plane.requests[-1].body


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_what_is_no_object_stands_beside_the_raw_answer(library: Sandbox, method: str, way: str) -> None:
    completion: Any = make(library, "pp-thinking")
    chain = completion.with_structured_output(City, method=method, include_raw=True)
    given: Any = {"question": "The name is Oslo."}
    with SpanReceiver() as receiver, closing(PortkeyTracer(endpoint=receiver.endpoint)) as tracer:
        told = asked_by(chain, way, given, {"callbacks": [tracer]})
        assert len(tracer._tracing.folded) == 0
        tracer.flush()
        spans = {span.name: span for span in receiver.spans}
    assert (told["raw"].text[:8], told["parsed"]) == ("You said", None)
    assert isinstance(told["parsing_error"], OutputParserException)
    assert not any(span.is_error for span in spans.values())
    assert [each["exception.type"] for span in spans.values() for each in span.inner_exceptions]
    assert "portkey.outcome" not in spans["chat pp-thinking"].attributes


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_parser_that_raises_at_the_end_of_a_stream_cancels_no_call(library: Sandbox, way: str) -> None:
    completion: Any = make(library, "pp-thinking")
    with SpanReceiver() as receiver, closing(PortkeyTracer(endpoint=receiver.endpoint)) as tracer:
        with pytest.raises(OutputParserException):
            asked_by(completion.with_structured_output(City), way, {"question": "Who?"}, {"callbacks": [tracer]})
        tracer.flush()
        outcomes = {span.name: (span.is_error, span.attributes.get("portkey.outcome")) for span in receiver.spans}
    assert outcomes == {"RunnableSequence": (True, None), "chat pp-thinking": (False, None)}


@pytest.mark.parametrize(("method", "more"), [("json_schema", {}), ("function_calling", WITH_THOUGHT)])
@pytest.mark.filterwarnings("ignore:.*variables.*")
def test_a_tool_that_is_called_in_the_place_of_an_object_is_named(
    library: Sandbox, method: str, more: dict[str, Any]
) -> None:
    # A key that may use prompts and not read them: of which tools the prompt has nothing is known.
    library.control_plane.inject(Fault("status", status=403, message="You do not have enough permissions"))
    completion: Any = make(library, "pp-forecast")
    chain = completion.with_structured_output(City, method=method)
    with pytest.raises(OutputParserException, match="it called 'get_weather' instead: a tool that the model or its"):
        chain.invoke({"city": "Oslo"}, model="claude-sonnet-4-6", **more)


@pytest.mark.parametrize("api_format", ["messages", "chat_completions"])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_the_prompts_own_model_answers_with_objects_too(library: Sandbox, api_format: Any, method: Any) -> None:
    prompt = PortkeyPrompt("pp-forecast", max_retries=0, **library.account())
    model = prompt.model(api_format=api_format)
    assert model.model_kwargs["tools"]
    assert (prompt | model.with_structured_output(City, method=method)).invoke({"city": "Oslo"}) == City(name="Oslo")


def test_what_a_completion_cannot_promise_is_an_error(library: Sandbox) -> None:
    completion: Any = make(library)
    with pytest.raises(ValueError, match=r"prompt | prompt\.model\(\)"):
        completion.with_structured_output(City, method="json_mode")
    with pytest.raises(ValueError, match="does not know 'tols'"):
        completion.with_structured_output(City, tols=[])
    assert library.claude.requests == []
