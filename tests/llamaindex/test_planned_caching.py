"""``prompt_caching`` in LlamaIndex: each turn and each round of an agent reads what the last one wrote."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import CacheControl, CachePoint, ChatMessage, ImageBlock, MessageRole, TextBlock
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer
from pydantic import ValidationError

from portkey_gateway import PromptCaching
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.cache_ledger import CacheLedger, InputUsage
from portkey_llamaindex import Portkey
from tests.llamaindex.media import PNG
from tests.llamaindex.received import Received
from tests.llamaindex.tree import agents_warn
from tests.llamaindex.ways import ask, every_way

LONG = "You answer questions about the harbour of a small town by the sea. " * 120
SYSTEM = ChatMessage(role=MessageRole.SYSTEM, content=LONG)


@pytest.fixture
def auto(llm: Portkey) -> Portkey:
    return llm.with_options(prompt_caching="auto")


def marks(body: Any) -> int:
    return json.dumps(body).count('"cache_control"')


def figures(response: Any) -> tuple[int, int, int]:
    """Input in all, read from the cache, written to it."""
    usage = response.raw["usage"]
    return usage["input_tokens"], usage["cache_read_tokens"], usage["cache_write_tokens"]


@pytest.mark.parametrize("way", ["chat", "stream_chat"])
def test_a_long_chat_pays_for_what_is_new(auto: Portkey, way: str) -> None:
    told = [SYSTEM]
    cached = 0
    for turn in range(20):
        asked: list[Any] = [TextBlock(text=f"And question number {turn}?")]
        told.append(ChatMessage(role=MessageRole.USER, blocks=[ImageBlock(image=PNG), *asked] if turn == 3 else asked))
        response = ask(auto, way, told)
        total, read, written = figures(response)
        assert read == cached
        assert written == total - read
        assert turn == 0 or written < 120
        cached = total
        told.append(response.message)


@every_way
def test_every_way_to_ask_plans(auto: Portkey, received: Received, way: str) -> None:
    ask(auto, way, "Hi")
    assert marks(received.latest) == 1


def accounts(received: Received) -> list[InputUsage]:
    """What Claude's cache made of each request, of calls too whose answers an agent keeps to itself."""
    ledger = CacheLedger()
    return [ledger.account("sk-ant-of-the-test", body) for body in received.bodies]


def get_depth(place: str) -> str:
    """Get the depth of the water at a place."""
    return f"{len(place)} metres at {place}"


@agents_warn
async def test_an_agent_of_twenty_rounds_reads_more_in_every_round(
    auto: Portkey, memory: ChatMemoryBuffer, sandbox: Sandbox, received: Received
) -> None:
    for turn in range(20):
        call = {"type": "tool_use", "id": f"toolu_{turn}", "name": "get_depth", "input": {"place": f"pier {turn}"}}
        sandbox.claude.reply_with("I look.", call)
    sandbox.claude.reply_with("Done.")
    agent = FunctionAgent(llm=auto, tools=[get_depth], system_prompt=LONG, streaming=False)
    output: Any = await agent.run("How deep is it at each pier?", memory=memory, max_iterations=30)
    assert str(output) == "Done."
    first, *others = accounts(received)
    assert len(others) == 20
    assert first.write_5m_tokens > 1024
    cached = first.write_5m_tokens
    for usage in others:
        assert usage.read_tokens == cached
        assert 0 < usage.write_5m_tokens < 120
        assert usage.input_tokens == 0
        cached += usage.write_5m_tokens
    assert all(marks(body) <= 4 for body in received.bodies)


def test_a_chat_engine_goes_on_where_it_was(auto: Portkey, memory: ChatMemoryBuffer, received: Received) -> None:
    engine = SimpleChatEngine.from_defaults(llm=auto, system_prompt=LONG, memory=memory)
    for asked in ("Hi", "And then?", "And now?"):
        engine.chat(asked)
    first, second, third = (usage.read_tokens for usage in accounts(received))
    assert first == 0
    assert 1024 < second < third
    assert marks(received.latest) == 3


def test_cache_points_stand_and_count(auto: Portkey, received: Received) -> None:
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    blocks = [block for part in "abc" for block in (TextBlock(text=part), point)]
    told = [SYSTEM, ChatMessage(role=MessageRole.USER, blocks=[*blocks]), ChatMessage("And d?")]
    auto.chat(told)
    assert marks(received.latest) == 4
    assert "cache_control" in received.latest["messages"][-1]["content"][-1]
    assert "cache_control" not in received.latest["system"][0]


# --- the option -------------------------------------------------------------------------------------------------------


def test_the_option_may_be_said_for_a_call(llm: Portkey, received: Received) -> None:
    llm.complete("Hi", prompt_caching="auto")
    llm.complete("Hi", prompt_caching=PromptCaching(ttl="1h"))
    llm.complete("Hi")
    assert [marks(body) for body in received.bodies] == [1, 1, 0]


@pytest.mark.parametrize("said", ["auto", PromptCaching(ttl="1h", messages=False), None])
def test_the_option_survives_stores_and_pickles(llm: Portkey, said: Any) -> None:
    kept = llm.with_options(prompt_caching=said)
    assert Portkey.from_dict(kept.to_dict()).prompt_caching == said
    assert Portkey.from_json(kept.to_json()).prompt_caching == said
    assert pickle.loads(pickle.dumps(kept)).prompt_caching == said
    assert f"prompt_caching={said!r}" in repr(kept)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"prompt_caching": "atuo"}, r"prompt_caching\n.*must be None, 'auto' or PromptCaching"),
        ({"cache_idx": 2}, "here it is 'prompt_caching'"),
    ],
)
def test_a_typo_is_an_error_that_names_the_field(llm: Portkey, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        llm.with_options(**wrong)
