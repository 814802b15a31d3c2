"""Query engines, chat engines and routers over a small index, with `Portkey` and `PortkeyEmbedding` as the models."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core import Document, SummaryIndex, VectorStoreIndex
from llama_index.core.chat_engine.types import ChatMode
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.response_synthesizers import ResponseMode
from llama_index.core.selectors import LLMSingleSelector, PydanticMultiSelector, PydanticSingleSelector
from llama_index.core.tools import QueryEngineTool
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey, PortkeyEmbedding
from tests.llamaindex.facts import BREAD, HARBOUR
from tests.llamaindex.received import Received


@pytest.fixture
def index(portkey_sandbox_with_openai: Sandbox) -> VectorStoreIndex:
    """An index of two facts, embedded by the emulated OpenAI, through the real gateway."""
    options: Any = portkey_sandbox_with_openai.options("openai")
    embed_model = PortkeyEmbedding(model="text-embedding-3-small", max_retries=0, **options)
    return VectorStoreIndex.from_documents([Document(text=HARBOUR), Document(text=BREAD)], embed_model=embed_model)


def test_a_query_engine_answers_from_what_it_found(llm: Portkey, received: Received, index: VectorStoreIndex) -> None:
    engine = index.as_query_engine(llm=llm, similarity_top_k=1)
    assert HARBOUR in str(engine.query("How deep is the harbour?"))
    prompt = str(received.latest["messages"])
    assert HARBOUR in prompt
    assert BREAD not in prompt


async def test_its_async_twin(llm: Portkey, index: VectorStoreIndex) -> None:
    engine = index.as_query_engine(llm=llm, similarity_top_k=1)
    assert HARBOUR in str(await engine.aquery("How deep is the harbour?"))


def test_an_answer_may_be_streamed(llm: Portkey, index: VectorStoreIndex) -> None:
    engine = index.as_query_engine(llm=llm, similarity_top_k=1, streaming=True)
    response: Any = engine.query("How deep is the harbour?")
    tokens = list(response.response_gen)
    assert len(tokens) > 2
    assert HARBOUR in "".join(tokens)


@pytest.mark.parametrize("mode", [ResponseMode.REFINE, ResponseMode.TREE_SUMMARIZE, ResponseMode.ACCUMULATE])
def test_every_way_to_put_an_answer_together(llm: Portkey, index: VectorStoreIndex, mode: ResponseMode) -> None:
    engine = index.as_query_engine(llm=llm, similarity_top_k=2, response_mode=mode)
    assert str(engine.query("How deep is the harbour?"))


def test_an_answer_may_be_an_object(llm: Portkey, index: VectorStoreIndex) -> None:
    class Depth(BaseModel):
        """How deep something is."""

        metres: int

    engine = index.as_query_engine(llm=llm, similarity_top_k=1, output_cls=Depth, response_mode=ResponseMode.COMPACT)
    response: Any = engine.query("How deep is the harbour, in metres: 12?")
    assert response.response == Depth(metres=12)


@pytest.mark.parametrize("mode", [ChatMode.CONTEXT, ChatMode.CONDENSE_QUESTION, ChatMode.CONDENSE_PLUS_CONTEXT])
def test_a_chat_engine_talks_about_the_index(
    llm: Portkey, index: VectorStoreIndex, memory: ChatMemoryBuffer, mode: ChatMode
) -> None:
    engine: Any = index.as_chat_engine(llm=llm, chat_mode=mode, memory=memory, similarity_top_k=1)
    assert "twelve metres" in str(engine.chat("How deep is the harbour?"))
    assert len(engine.chat_history) == 2


def test_a_chat_engine_streams(llm: Portkey, index: VectorStoreIndex, memory: ChatMemoryBuffer) -> None:
    engine: Any = index.as_chat_engine(llm=llm, chat_mode=ChatMode.CONTEXT, memory=memory, similarity_top_k=1)
    assert "twelve metres" in "".join(engine.stream_chat("How deep is the harbour?").response_gen)
    assert engine.chat_history[-1].content


async def test_a_chat_engine_streams_in_async(llm: Portkey, index: VectorStoreIndex, memory: ChatMemoryBuffer) -> None:
    engine: Any = index.as_chat_engine(llm=llm, chat_mode=ChatMode.CONTEXT, memory=memory, similarity_top_k=1)
    response = await engine.astream_chat("How deep is the harbour?")
    assert "twelve metres" in "".join([token async for token in response.async_response_gen()])


@pytest.fixture
def tools(llm: Portkey) -> list[QueryEngineTool]:
    """Two engines that know one thing each."""
    facts = {"harbour": HARBOUR, "baking": BREAD}
    return [
        QueryEngineTool.from_defaults(
            SummaryIndex.from_documents([Document(text=fact)]).as_query_engine(llm=llm),
            name=name,
            description=f"Knows all about {name}.",
        )
        for name, fact in facts.items()
    ]


@pytest.mark.parametrize("selector", [PydanticSingleSelector, LLMSingleSelector])
def test_a_router_picks_the_engine(llm: Portkey, sandbox: Sandbox, tools: list[QueryEngineTool], selector: Any) -> None:
    if selector is LLMSingleSelector:
        sandbox.claude.reply_with('[{"choice": 2, "reason": "It is about bread."}]')
    else:
        chosen = {"index": 2, "reason": "It is about bread."}
        sandbox.claude.reply_with({"type": "tool_use", "name": "SingleSelection", "input": chosen})
    router = RouterQueryEngine(selector=selector.from_defaults(llm=llm), query_engine_tools=tools, llm=llm)
    assert BREAD in str(router.query("How long is rye bread baked?"))


def test_a_router_may_pick_several(llm: Portkey, sandbox: Sandbox, tools: list[QueryEngineTool]) -> None:
    chosen = {"selections": [{"index": 1, "reason": "depth"}, {"index": 2, "reason": "bread"}]}
    sandbox.claude.reply_with({"type": "tool_use", "name": "MultiSelection", "input": chosen})
    selector = PydanticMultiSelector.from_defaults(llm=llm)
    router = RouterQueryEngine(selector=selector, query_engine_tools=tools, llm=llm)
    response: Any = router.query("How deep is the harbour, and how long is rye bread baked?")
    assert len(response.metadata["selector_result"].selections) == 2
