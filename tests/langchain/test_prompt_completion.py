"""``PortkeyPrompt.completion``: the prompt's own model in one call, through the real gateway."""

from __future__ import annotations

import asyncio
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


def test_what_a_completion_cannot_promise_is_an_error(library: Sandbox) -> None:
    completion: Any = make(library)
    with pytest.raises(ValueError, match=r"prompt | prompt\.model\(\)"):
        completion.with_structured_output(City, method="json_mode")
    with pytest.raises(ValueError, match="does not know 'tols'"):
        completion.with_structured_output(City, tols=[])
    assert library.claude.requests == []
