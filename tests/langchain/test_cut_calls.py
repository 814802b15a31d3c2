"""Tool calls that `max_tokens` cut: no tool is ever run on them, and the conversation goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, StructuredOutputValidationError, ToolStrategy
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser
from langgraph.errors import GraphRecursionError
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from portkey_langchain.cut import CUT_MARK
from tests.langchain.ask import Ask, any_call, whole_or_streamed
from tests.langchain.graphs import Run, any_graph, any_run, get_weather

Received = Callable[[], dict[str, Any]]

pytestmark = pytest.mark.filterwarnings("ignore:The v3 streaming protocol on Pregel is experimental")

QUESTION: Final = "What is the weather in Paris?"
CUTS: Final = [1, 4, 8, 12]


class Report(BaseModel):
    """A report that may leave everything out."""

    city: str = "nowhere"
    degrees: int = 0


FORMAT: Final = {"type": "json_schema", "json_schema": {"name": "Report", "schema": Report.model_json_schema()}}
THOUGHT: Final = {"type": "thinking", "thinking": "Hm."}
REPORT: Final = "Report. city: Paris, degrees: 21."


def brief(model: ChatPortkey, max_tokens: int = 4, version: str = "v0") -> ChatPortkey:
    return model.with_options(max_tokens=max_tokens, output_version=version)


@any_call
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("max_tokens", CUTS)
def test_it_is_no_tool_call_but_an_invalid_one(model: ChatPortkey, ask: Ask, version: str, max_tokens: int) -> None:
    answer = ask(brief(model, max_tokens, version).bind_tools([get_weather]), QUESTION)
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.tool_calls == []
    [invalid] = answer.invalid_tool_calls
    assert invalid["name"] == "get_weather"
    assert str(invalid["id"]).startswith("toolu_")
    assert str(invalid["args"]).endswith(CUT_MARK)
    [block] = answer.content_blocks
    streamed_v1 = version == "v1" and isinstance(answer, AIMessageChunk)  # LangChain leaves it as it came there
    assert block["type"] == ("tool_call_chunk" if streamed_v1 else "invalid_tool_call")
    assert (block["id"], block["args"]) == (invalid["id"], invalid["args"])


def test_a_whole_answer_tells_why(model: ChatPortkey) -> None:
    [invalid] = brief(model).bind_tools([get_weather]).invoke(QUESTION).invalid_tool_calls
    assert str(invalid["error"]).startswith("the answer was cut off, by max_tokens")


@any_call
@pytest.mark.parametrize("reason", ["max_tokens", "refusal"])
def test_of_several_calls_only_the_last_can_be_cut(model: ChatPortkey, sandbox: Sandbox, ask: Ask, reason: Any) -> None:
    calls = [{"type": "tool_use", "name": "get_weather", "input": {"city": city}} for city in ("Paris", "Oslo")]
    sandbox.claude.reply_with("I look.", *calls, stop_reason=reason)
    answer = ask(model.bind_tools([get_weather]), QUESTION)
    assert [call["args"] for call in answer.tool_calls] == [{"city": "Paris"}]
    [invalid] = answer.invalid_tool_calls
    assert json.loads(str(invalid["args"]).removesuffix(CUT_MARK)) == {"city": "Oslo"}
    assert answer.text == "I look."


@any_call
@pytest.mark.parametrize("reason", ["end_turn", "tool_use", "stop_sequence"])
def test_a_call_of_an_answer_that_ended_otherwise_is_whole(
    model: ChatPortkey, sandbox: Sandbox, ask: Ask, reason: Any
) -> None:
    call = {"type": "tool_use", "name": "get_weather", "input": {}}
    sandbox.claude.reply_with(call, stop_reason=reason, stop_sequence="END" if reason == "stop_sequence" else None)
    answer = ask(model.bind_tools([get_weather], stop=["END"]), QUESTION)
    assert [call["args"] for call in answer.tool_calls] == [{}]
    assert answer.invalid_tool_calls == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    args=st.dictionaries(st.text(max_size=4), _JSON, max_size=3), place=st.integers(0, 200), ascii_only=st.booleans()
)
@example(args={}, place=0, ascii_only=False)
@example(args={}, place=1, ascii_only=False)
@example(args={"a": [{"b": []}]}, place=200, ascii_only=False)
@example(args={"a": '\\"[}'}, place=8, ascii_only=False)
@example(args={"a": "é\\"}, place=10, ascii_only=True)
def test_no_cut_leaves_arguments_that_langchain_could_mend(
    args: dict[str, Any], place: int, *, ascii_only: bool
) -> None:
    begun = json.dumps(args, ensure_ascii=ascii_only)[:place]
    pieces = [("get_weather", begun, "toolu_1"), (None, CUT_MARK, None)]
    chunks = [
        AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name=name, args=text, id=call_id, index=0)])
        for name, text, call_id in pieces
    ]
    message: Any = reduce(add, chunks)
    assert message.tool_calls == []
    assert [call["args"] for call in message.invalid_tool_calls] == [begun + CUT_MARK]


@any_run
@any_graph
def test_an_agent_never_runs_it(model: ChatPortkey, sandbox: Sandbox, build: Any, run: Run) -> None:
    told = run(build(brief(model)), QUESTION)
    assert not [message for message in told if isinstance(message, ToolMessage)]
    answer = told[-1]
    assert isinstance(answer, AIMessage)
    assert answer.tool_calls == []
    assert [call["name"] for call in answer.invalid_tool_calls] == ["get_weather"]
    assert len(sandbox.claude.requests) == 1


@whole_or_streamed
def test_an_agent_goes_on_after_it(model: ChatPortkey, received: Received, ask: Ask) -> None:
    cut = ask(brief(model).bind_tools([get_weather]), QUESTION)
    history = [HumanMessage(QUESTION), cut, HumanMessage("Go on.")]
    create_agent(model, [get_weather]).invoke({"messages": history})  # type: ignore[call-overload]  # list is invariant
    _, assistant, user, *_ = received()["messages"]
    [called] = assistant["content"]
    assert (called["type"], called["name"]) == ("tool_use", "get_weather")
    assert called["input"]["invalid_arguments"] in {"{}", '{"city": "Paris"'}
    assert "could not be executed" in user["content"][0]["content"]


def as_blocks(content: Any) -> list[dict[str, Any]]:
    """To Anthropic a text and a list of one text block say the same."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


@any_call
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("before", [[], ["I look."], [THOUGHT], [THOUGHT, "I look."], ["I look.", THOUGHT]])
def test_a_conversation_goes_on_after_it(
    model: ChatPortkey, sandbox: Sandbox, received: Received, *, ask: Ask, version: str, before: list[Any]
) -> None:
    call = {"type": "tool_use", "name": "get_weather", "input": {"city": "Paris"}}
    sandbox.claude.reply_with(*before, call, stop_reason="max_tokens")
    bound = model.with_options(output_version=version).bind_tools([get_weather])
    history = [HumanMessage(QUESTION), ask(bound, QUESTION)]
    ask(bound, [*history, HumanMessage("Say hello.")])
    replayed = [each["content"] for each in received()["messages"] if each["role"] == "assistant"]
    kept = before[: before.index("I look.") + 1] if "I look." in before else []
    assert [[block["type"] for block in as_blocks(content)] for content in replayed] == [
        ["thinking" if block is THOUGHT else "text" for block in kept]
    ] * bool(kept)

    [invalid] = history[1].invalid_tool_calls  # type: ignore[attr-defined]  # an assistant's message
    ask(bound, [*history, ToolMessage("Not run.", tool_call_id=invalid["id"])])
    *said, called = received()["messages"][1]["content"]
    assert len(said) == len(before)
    assert json.loads(called["input"]["invalid_arguments"]) == {"city": "Paris"}


@any_call
def test_a_format_that_was_cut_is_no_json(model: ChatPortkey, ask: Ask, api_format: str) -> None:
    answer = ask(brief(model).bind(response_format=FORMAT), REPORT)
    assert answer.response_metadata["finish_reason"] == "length"
    assert (answer.tool_calls, answer.invalid_tool_calls) == ([], [])
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Extra data"):
        json.loads(answer.text)
    if api_format == "chat_completions":
        # The arguments of a call are marked as cut; what Claude itself wrote stays as it is.
        assert not isinstance(JsonOutputParser().parse(answer.text), dict)


@any_run
@pytest.mark.parametrize("asked", [Report, ProviderStrategy(Report)], ids=["schema", "provider"])
def test_an_agent_gets_no_object_of_half_a_call(model: ChatPortkey, run: Run, asked: Any) -> None:
    with pytest.raises(StructuredOutputValidationError):
        run(create_agent(brief(model), [get_weather], response_format=asked), REPORT)


def test_an_agent_gets_no_object_of_half_a_call_of_a_tool(model: ChatPortkey) -> None:
    agent: Any = create_agent(brief(model), [get_weather], response_format=ToolStrategy(Report))
    state = agent.invoke({"messages": [HumanMessage(REPORT)]})
    assert state.get("structured_response") is None
    assert [call["name"] for call in state["messages"][-1].invalid_tool_calls] == ["Report"]


def test_an_agent_without_tools_asks_again_as_langchain_does(model: ChatPortkey) -> None:
    agent: Any = create_agent(brief(model), [], response_format=ToolStrategy(Report))
    with pytest.raises(GraphRecursionError):
        agent.invoke({"messages": [HumanMessage(REPORT)]}, {"recursion_limit": 3})


def objects(chain: Any) -> list[Any]:
    return [chain.invoke(REPORT)]


def aobjects(chain: Any) -> list[Any]:
    return [asyncio.run(chain.ainvoke(REPORT))]


def streamed_objects(chain: Any) -> list[Any]:
    return list(chain.stream(REPORT))


def astreamed_objects(chain: Any) -> list[Any]:
    async def collect() -> list[Any]:
        return [each async for each in chain.astream(REPORT)]

    return asyncio.run(collect())


any_way = pytest.mark.parametrize("take", [objects, aobjects, streamed_objects, astreamed_objects])
any_schema = pytest.mark.parametrize("schema", [Report, Report.model_json_schema()], ids=["class", "mapping"])


@any_way
@any_schema
@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_structured_output_ends_in_an_error(
    model: ChatPortkey, take: Callable[[Any], list[Any]], schema: Any, method: Any
) -> None:
    with pytest.raises(OutputParserException, match="'length': the answer was cut off, by max_tokens"):
        take(brief(model).with_structured_output(schema, method=method))


@any_way
@any_schema
@pytest.mark.parametrize("method", ["function_calling", "json_mode"])
def test_a_refusal_in_the_middle_of_an_object_is_an_error_too(
    model: ChatPortkey, sandbox: Sandbox, take: Callable[[Any], list[Any]], schema: Any, method: Any
) -> None:
    call = {"type": "tool_use", "name": "Report", "input": {}}
    sandbox.claude.reply_with('{"city": "Par' if method == "json_mode" else call, stop_reason="refusal")
    with pytest.raises(OutputParserException, match="'content_filter': the answer was broken off by a refusal"):
        take(model.with_structured_output(schema, method=method))


@any_way
@any_schema
def test_an_object_before_the_cut_is_whole(
    model: ChatPortkey, sandbox: Sandbox, take: Callable[[Any], list[Any]], schema: Any
) -> None:
    calls = [{"type": "tool_use", "name": "Report", "input": {"city": city}} for city in ("Paris", "Oslo")]
    sandbox.claude.reply_with(*calls, stop_reason="max_tokens")
    last = take(model.with_structured_output(schema))[-1]
    assert (last.city if isinstance(last, Report) else last["city"]) == "Paris"


@any_way
@any_schema
@pytest.mark.parametrize("method", ["function_calling", "json_mode"])
def test_words_never_pass_for_an_object(
    model: ChatPortkey, sandbox: Sandbox, take: Callable[[Any], list[Any]], schema: Any, method: Any
) -> None:
    sandbox.claude.reply_with("I would rather talk.")
    with pytest.raises(OutputParserException):
        take(model.with_structured_output(schema, method=method))
