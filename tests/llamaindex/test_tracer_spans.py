"""What the span of each kind of call says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate, SelectorPromptTemplate
from llama_index.core.tools import BaseTool, FunctionTool, QueryEngineTool, ToolMetadata, ToolOutput
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import instrument_tags
from pydantic import BaseModel
from typing_extensions import override
from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from portkey_gateway.sandbox import SpanReceiver
from portkey_llamaindex import Portkey, instrument
from portkey_llamaindex.plain import plain
from portkey_llamaindex.spans import SpanStart, describe
from tests.llamaindex.facts import HARBOUR
from tests.llamaindex.tracing import RAW, Bare, Sent, Theirs, answered, one, said
from tests.llamaindex.tree import agents_warn
from tests.llamaindex.ways import CHAT, ask, every_way
from tests.support.receiver import spans_of
from tests.support.recording import RecordingServer, answer, calling, whole
from tests.support.viewer import tokens_in

pytestmark = agents_warn

dispatcher = get_dispatcher(__name__)


def test_a_function_says_what_went_in_and_out(sent: Sent) -> None:
    @dispatcher.span
    def greet(name: str, **more: Any) -> dict[str, Any]:
        return {"greeted": name, **more}

    with instrument_tags({"team": "a", "llamaindex.step": "no"}):
        greet("Ada", loud=True)
    [span] = sent()
    name = greet.__qualname__
    assert (span.name, span.kind, span.parent_id) == (name, 1, None)
    assert span.attributes == {
        "portkey.metadata": '{"team": "a"}',
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": name,
        "input.value": '{"name": "Ada", "more": {"loud": true}}',
        "output.value": '{"greeted": "Ada", "loud": true}',
    }
    assert 0 < span.started_ns < span.ended_ns


@every_way
def test_a_model_that_is_not_ours_says_what_it_used(sent: Sent, way: str) -> None:
    ask(Theirs(), way, "What is it?")
    [span] = sent()
    operation = "chat" if way in CHAT else "text_completion"
    assert (span.name, span.kind) == (f"{operation} nova", 3)
    asked = [{"role": "user", "parts": [{"type": "text", "content": "What is it?"}]}]
    assert span.attributes == {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "base_component",
        "gen_ai.request.model": "nova",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.model": "nova-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps([answered("Hello.")]),
    }


class Told:
    """A provider's answer that is no dictionary."""

    def __init__(self, **told: Any) -> None:
        self.__dict__.update(told)


class Counted(BaseModel):
    """Usage as OpenAI's library tells it."""

    prompt_tokens: int = 7
    completion_tokens: int = 3
    total_tokens: int = 10


@pytest.mark.parametrize(
    ("raw", "used"),
    [
        (
            Told(
                id="msg_2",
                model="claude",
                stop_reason="end_turn",
                usage=Told(input_tokens=2, output_tokens=3, cache_read_input_tokens=5, cache_creation_input_tokens=1),
            ),
            {"input_tokens": 8, "output_tokens": 3, "cache_read.input_tokens": 5, "cache_creation.input_tokens": 1},
        ),
        (Told(usage=Counted()), {"input_tokens": 7, "output_tokens": 3}),
        (Told(usage=None), {}),
        (None, {}),
    ],
)
def test_usage_in_the_shapes_of_the_providers(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, raw: Any, used: dict[str, int]
) -> None:
    monkeypatch.setattr(Theirs, "raw", raw)
    Theirs().chat([ChatMessage("Hi")])
    attributes = sent()[0].attributes
    assert {name: attributes[name] for name in attributes if "usage" in name} == {
        f"gen_ai.usage.{name}": count for name, count in used.items()
    }
    if hasattr(raw, "id"):
        assert attributes["gen_ai.response.id"] == "msg_2"
        assert attributes["gen_ai.response.finish_reasons"] == ["end_turn"]


def test_another_model_that_calls_through_the_gateway_is_not_priced_twice(sent: Sent) -> None:
    Theirs(default_headers={"x-portkey-api-key": "pk-secret"}).chat([ChatMessage("Hi")])
    [span] = sent()
    assert span.attributes["portkey.through_gateway"] is True
    assert not any("usage" in name for name in span.attributes)
    assert "pk-secret" not in repr(span)


def test_a_viewer_is_told_what_another_model_used_that_calls_through_the_gateway() -> None:
    with SpanReceiver() as viewer, instrument(endpoint=viewer.endpoint) as started:
        Theirs(default_headers={"x-portkey-api-key": "pk-secret"}).chat([ChatMessage("Hi")])
        started.flush()
        [span] = viewer.spans
    assert span.attributes["portkey.through_gateway"] is True
    assert all(tokens_in([span]))


@pytest.mark.parametrize("way", ["chat", "stream_chat"])
def test_a_chat_that_is_a_completion_is_counted_once(sent_all: Sent, way: str) -> None:
    ask(Bare(), way, "Hi")
    spans = sent_all()
    model = one(spans, "chat bare")
    inner = [span for span in spans if span is not model]
    assert {span.parent_id for span in inner if span.name.startswith("Bare.")} == {model.span_id}
    assert not any("usage" in name for span in inner for name in span.attributes)
    if way == "chat":
        assert model.attributes["gen_ai.usage.input_tokens"] == 5
    assert json.loads(model.attributes["gen_ai.output.messages"]) == [answered("Hello.")]


@pytest.mark.parametrize("way", ["chat", "achat", "stream_chat", "complete", "acomplete", "stream_complete"])
def test_a_model_without_llamaindexs_decorators_is_a_model(sent: Sent, way: str) -> None:
    """Not its async streams: they call the others when they are read, outside of the span that they belong to."""
    ask(Bare(), way, "Hi")
    [model] = [span for span in sent() if span.attributes.get("gen_ai.request.model") == "bare"]
    assert model.name.endswith(" bare")
    if "stream" not in way:
        assert model.attributes["gen_ai.usage.output_tokens"] == 2


def test_a_query_and_its_steps(sent_all: Sent, index: VectorStoreIndex) -> None:
    index.as_query_engine(llm=MockLLM(), similarity_top_k=1).query("How deep is the harbour?")
    spans = [span for span in sent_all() if span.name != "SentenceSplitter.__call__"]
    query = one(spans, "RetrieverQueryEngine.query")
    assert query.attributes["gen_ai.operation.name"] == "invoke_workflow"
    assert query.attributes["input.value"] == "How deep is the harbour?"
    assert HARBOUR in query.attributes["output.value"]
    retrieval = one(spans, "retrieval VectorIndexRetriever")
    assert retrieval.attributes["gen_ai.operation.name"] == "retrieval"
    assert retrieval.attributes["gen_ai.retrieval.query.text"] == "How deep is the harbour?"
    [found] = json.loads(retrieval.attributes["gen_ai.retrieval.documents"])
    assert found.keys() == {"id", "content", "metadata", "score"}
    assert found["content"] == HARBOUR
    [embedded] = [span for span in spans if span.name == "embeddings unknown" and span.trace_id == query.trace_id]
    assert embedded.attributes == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "base_component",
        "gen_ai.request.model": "unknown",
        "gen_ai.embeddings.dimension.count": 6,
        "input.value": "How deep is the harbour?",
    }
    prompts = [span.attributes["input.value"] for span in spans if span.name == "MockLLM.predict"]
    assert "context_str" in json.loads(prompts[0])["prompt"]


async def test_an_agent_and_its_tools(
    server: RecordingServer, recorded: Portkey, sent_all: Sent, memory: ChatMemoryBuffer
) -> None:
    def weather(city: str = "Rome") -> str:
        """Tell the weather."""
        return f"sunny in {city}"

    server.reply(calling("weather"), whole(answer()))
    agent = FunctionAgent(name="clerk", llm=recorded, tools=[weather], streaming=False)
    history = [ChatMessage("Hi"), ChatMessage("Hello.", role="assistant")]
    await agent.run("Umbrella?", chat_history=history, memory=memory)
    spans = sent_all()
    assert one(spans, "invoke_agent clerk").attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "clerk",
        "gen_ai.input.messages": json.dumps(
            [
                {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
                said("Hello."),
                {"role": "user", "parts": [{"type": "text", "content": "Umbrella?"}]},
            ]
        ),
        "gen_ai.output.messages": json.dumps([answered("Hello.")]),
    }
    tool = one(spans, "execute_tool weather").attributes
    assert tool == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": tool["gen_ai.tool.description"],
        "gen_ai.tool.call.id": "call_weather",
        "gen_ai.tool.call.arguments": "{}",
        "gen_ai.tool.call.result": "sunny in Rome",
    }
    assert "Tell the weather." in tool["gen_ai.tool.description"]
    steps = [span for span in spans if span.name.endswith("run_agent_step")]
    assert [span.attributes["gen_ai.agent.name"] for span in steps] == ["clerk", "clerk"]
    assert '"raw"' not in steps[0].attributes["output.value"]


async def test_several_agents_are_a_workflow(
    server: RecordingServer, recorded: Portkey, sent: Sent, memory: ChatMemoryBuffer
) -> None:
    server.reply(whole(answer()))
    agent = FunctionAgent(name="first", description="1", llm=recorded, tools=[], streaming=False)
    await AgentWorkflow(agents=[agent], root_agent="first").run("Hi", memory=memory)
    root = one(sent(), "AgentWorkflow.run")
    assert root.attributes["gen_ai.operation.name"] == "invoke_workflow"
    assert root.attributes["gen_ai.workflow.name"] == "AgentWorkflow"
    assert json.loads(root.attributes["input.value"])["user_msg"] == "Hi"
    assert json.loads(root.attributes["output.value"])["response"] == said("Hello.")


class Halved(Event):
    """Half of a number."""

    number: int


class Halving(Workflow):
    """Halves twice."""

    @step
    async def first(self, _context: Context, event: StartEvent) -> Halved:
        return Halved(number=event.number // 2)

    @step
    async def second(self, event: Halved) -> StopEvent:
        return StopEvent(result=event.number // 2)


async def test_the_steps_of_a_workflow(sent: Sent) -> None:
    assert await Halving().run(number=8) == 2
    spans = sent()
    root = one(spans, "Halving.run")
    assert (root.attributes["input.value"], root.attributes["output.value"]) == ('{"number": 8}', "2")
    first, second = one(spans, "Halving.first"), one(spans, "Halving.second")
    assert {first.parent_id, second.parent_id} == {root.span_id}
    assert (first.attributes["input.value"], first.attributes["output.value"]) == ('{"number": 8}', '{"number": 4}')
    assert (second.attributes["input.value"], second.attributes["output.value"]) == ('{"number": 4}', "2")
    assert not any(span.attributes.get("portkey.metadata") for span in spans)


def test_a_tool_is_told_once(sent: Sent) -> None:
    FunctionTool.from_defaults(lambda city: city, name="t")(city="Rome")
    spans = sent()
    tool = one(spans, "execute_tool t")
    assert tool.attributes["gen_ai.tool.call.arguments"] == '{"city": "Rome"}'
    outer = one(spans, "FunctionTool.__call__")
    assert tool.parent_id == outer.span_id
    assert outer.attributes["gen_ai.operation.name"] == "invoke_workflow"


class Refusing(BaseTool):
    """A tool that has no more than it must."""

    @property
    @override
    def metadata(self) -> ToolMetadata:
        return ToolMetadata("Refuses.", name="t")

    def __call__(self, input: Any) -> ToolOutput:  # noqa: A002 LlamaIndex's signature
        return ToolOutput(tool_name="t", content="no", raw_input={"input": input}, is_error=True)


def test_a_tool_that_tells_its_failure(sent: Sent, index: VectorStoreIndex) -> None:
    Refusing()("please")
    QueryEngineTool.from_defaults(index.as_query_engine(llm=MockLLM()), name="facts").call("How deep?")
    spans = sent()
    assert one(spans, "execute_tool t").attributes["error.type"] == "tool_error"
    assert HARBOUR in one(spans, "execute_tool facts").attributes["gen_ai.tool.call.result"]


def test_content_is_left_out_where_it_is_not_wanted(receiver: RecordingServer, index: VectorStoreIndex) -> None:
    with instrument(endpoint=f"{receiver.base_url}/otel/v1/traces", capture_content=False):
        index.as_query_engine(llm=Theirs()).query("the text of the user")
        with pytest.raises(OSError, match="the line"):
            Theirs(breaks=True).chat([ChatMessage("the text of the user")])
    spans = spans_of(receiver)
    assert len(one(spans, "RetrieverQueryEngine.query").attributes) == 2
    for request in receiver.requests:
        assert b"the text" not in request.body
        assert b"the line" not in request.body
        assert b"Hello." not in request.body
    assert [span.exception for span in spans if span.is_error] == [{"exception.type": "OSError"}]
    assert sum(span.attributes.get("gen_ai.usage.input_tokens", 0) for span in spans) == RAW["usage"]["prompt_tokens"]


def test_only_the_tags_that_are_allowed(receiver: RecordingServer) -> None:
    tags = {"team": "a", "name": "Ada"}
    with instrument(endpoint=f"{receiver.base_url}/otel/v1/traces", metadata_keys=["team"]), instrument_tags(tags):
        Theirs().chat([])
    assert spans_of(receiver)[0].attributes["portkey.metadata"] == '{"team": "a"}'


async def test_an_agent_that_goes_on_says_no_input(
    server: RecordingServer, recorded: Portkey, sent: Sent, memory: ChatMemoryBuffer
) -> None:
    """A context that was stored is taken up again without a new question."""
    server.reply(whole(answer()))
    agent = FunctionAgent(name="clerk", llm=recorded, tools=[], streaming=False)
    described = describe(SpanStart("FunctionAgent.run", agent, {"start_event": None}, None, is_root=True))
    assert (described.name, described.content) == ("invoke_agent clerk", {})
    await agent.run("Hi", memory=memory)
    assert one(sent(), described.name).attributes.keys() > described.attributes.keys()


def test_messages_in_the_form_of_the_conventions() -> None:
    call = ToolCallBlock(tool_call_id="t1", tool_name="now", tool_kwargs={"zone": "UTC"})
    blocks: list[Any] = [ThinkingBlock(content="Hm."), TextBlock(text=""), TextBlock(text="So."), call]
    assert plain(ChatMessage(blocks=[*blocks, ImageBlock(image=b"AAAA")], role="assistant")) == {
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "Hm."},
            {"type": "text", "content": "So."},
            {"type": "tool_call", "id": "t1", "name": "now", "arguments": {"zone": "UTC"}},
            {"type": "image"},
        ],
    }
    assert plain(ChatResponse(message=ChatMessage("Hello.", role="assistant"))) == said("Hello.")
    assert plain(ChatMessage("noon", role="tool", additional_kwargs={"tool_call_id": "t1"})) == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "t1", "response": "noon"}],
    }


def test_prompts_are_told_by_their_templates() -> None:
    text = PromptTemplate("Hi {name}")
    chat = ChatPromptTemplate([ChatMessage("Hi {name}")])
    assert plain(text) == plain(SelectorPromptTemplate(text)) == "Hi {name}"
    assert plain(chat) == [{"role": "user", "parts": [{"type": "text", "content": "Hi {name}"}]}]
