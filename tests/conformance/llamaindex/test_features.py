"""Every feature in every way that LlamaIndex has to ask for it, over both formats, through the real gateway.

What the emulated Claude received is checked beside the answer. ``complete`` takes a text and nothing else, so images
and documents are for ``chat``; tools and their cache breakpoints come as keyword arguments there.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import pytest
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from portkey_llamaindex import Portkey
from tests.llamaindex.media import PDF, PDF_SOURCE, PDF_TEXT, PNG, PNG_SIZE, PNG_SOURCE
from tests.llamaindex.received import Received, choice
from tests.llamaindex.ways import CHAT, ask, ask_all, call, chat_way, every_way

LONG_PROMPT: Final = "You answer questions about the harbour of a small town by the sea. " * 120
"""More tokens than Claude's least for its prompt cache, 1024."""
MARK: Final = {"type": "ephemeral"}
HOUR: Final = {"type": "ephemeral", "ttl": "1h"}
WEATHER: Final = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


def text_of(response: Any) -> str:
    text = response.text if hasattr(response, "text") else response.message.content
    assert isinstance(text, str)
    return text


class Place(BaseModel):
    """Where the weather is asked for."""

    city: str


@every_way
def test_text(llm: Portkey, received: Received, way: str) -> None:
    responses = ask_all(llm, way, "Please say: the sea is calm today", temperature=0.3)
    assert text_of(responses[-1]) == "the sea is calm today"
    assert responses[-1].raw["finish_reason"] == "stop"
    assert responses[-1].raw["usage"]["output_tokens"] > 0
    assert received.latest["temperature"] == 0.3
    assert received.content == "Please say: the sea is calm today"
    if "stream" in way:
        assert len(responses) > 2
        assert "".join(response.delta for response in responses) == "the sea is calm today"


@every_way
def test_thinking(llm: Portkey, received: Received, api_format: str, way: str) -> None:
    config = {"type": "enabled", "budget_tokens": 1024}
    response = ask(llm, way, "Please say: ahoy", thinking=config, max_tokens=2000)
    assert text_of(response) == "ahoy"
    assert received.latest["thinking"] == config
    usage = response.raw["usage"]
    # Chat completions of the open-source gateway do not tell how much of the output was thought.
    if api_format == "messages":
        assert 0 < usage["reasoning_tokens"] < usage["output_tokens"]
    else:
        assert usage["reasoning_tokens"] == 0
    if way in CHAT:
        thinking, text = response.message.blocks
        assert isinstance(thinking, ThinkingBlock)
        assert "say: ahoy" in (thinking.content or "")
        assert text == TextBlock(text="ahoy")
        history = [ChatMessage("Please say: ahoy"), response.message, ChatMessage("Please say: again")]
        ask(llm, way, history, thinking=config, max_tokens=2000)
        replayed = received.latest["messages"][1]["content"][0]
        signature = thinking.additional_information["signature"]
        assert replayed == {"type": "thinking", "thinking": thinking.content, "signature": signature}


@every_way
def test_tools(llm: Portkey, received: Received, way: str) -> None:
    response = ask(llm, way, "What is the weather in Paris?", tools=[WEATHER], tool_choice="required")
    assert received.latest["tool_choice"] == {"type": "any"}
    assert received.latest["tools"][0]["input_schema"]["properties"] == {"city": {"type": "string"}}
    if way not in CHAT:
        [called] = response.additional_kwargs["tool_calls"]
        assert called["function"]["name"] == "get_weather"
        assert json.loads(called["function"]["arguments"]) == {"city": "Paris"}
    else:
        [block] = response.message.blocks
        assert isinstance(block, ToolCallBlock)
        assert (block.tool_name, block.tool_kwargs) == ("get_weather", {"city": "Paris"})
        answered = {"tool_call_id": block.tool_call_id}
        result = ChatMessage(role=MessageRole.TOOL, content="rain", additional_kwargs=answered)
        question = ChatMessage("What is the weather in Paris?")
        told = ask(llm, way, [question, response.message, result], tools=[WEATHER])
        assert text_of(told) == "The tool get_weather returned: rain"


@pytest.mark.parametrize("way", [f"{way}_with_tools" for way in CHAT])
def test_tools_of_llamaindex(llm: Portkey, received: Received, api_format: str, way: str) -> None:
    tool = FunctionTool.from_defaults(str.title, name="get_weather", fn_schema=Place, description="Get the weather.")
    *_, response = call(getattr(llm, way), [tool], "What is the weather in Paris?", tool_required=True)
    [selection] = llm.get_tool_calls_from_response(response)
    assert (selection.tool_name, selection.tool_kwargs) == ("get_weather", {"city": "Paris"})
    assert received.latest["tools"][0]["name"] == "get_weather"
    assert received.latest["tool_choice"] == choice("any", api_format)


@every_way
@pytest.mark.parametrize("ttl", ["5m", "1h"])
def test_cache(llm: Portkey, received: Received, api_format: str, way: str, ttl: Literal["5m", "1h"]) -> None:
    mark = HOUR if ttl == "1h" else MARK
    given: Any = "How deep is it?"
    more: dict[str, Any] = {}
    if way in CHAT:
        point = CachePoint(cache_control=CacheControl(type="ephemeral", ttl=ttl))
        given = [ChatMessage(role=MessageRole.SYSTEM, content=[TextBlock(text=LONG_PROMPT), point]), ChatMessage(given)]
    else:
        function = {**WEATHER["function"], "description": LONG_PROMPT}  # type: ignore[dict-item]  # it is a mapping
        more = {"tools": [{"type": "function", "function": function, "cache_control": mark}], "tool_choice": "none"}
    written = ask(llm, way, given, **more)
    read = ask(llm, way, given, **more)
    marked = received.latest["system"] if way in CHAT else received.latest["tools"]
    # Of an hour, chat completions of the open-source gateway make five minutes.
    assert marked[-1]["cache_control"] == (mark if api_format == "messages" else MARK)
    all_tokens = written.raw["usage"]["cache_write_tokens"]
    is_hour = ttl == "1h" and api_format == "messages"
    assert all_tokens > 1000
    assert written.raw["usage"]["cache_write_1h_tokens"] == (all_tokens if is_hour else 0)
    assert written.additional_kwargs["cache_write_1h_tokens"] == written.raw["usage"]["cache_write_1h_tokens"]
    assert read.raw["usage"]["cache_read_tokens"] == all_tokens
    assert read.raw["usage"]["cache_write_tokens"] == read.raw["usage"]["cache_write_1h_tokens"] == 0
    assert read.additional_kwargs["prompt_tokens"] > read.additional_kwargs["cache_read_tokens"] > 1000
    assert read.raw["usage"]["input_tokens"] == written.raw["usage"]["input_tokens"]


@chat_way
def test_image(llm: Portkey, received: Received, way: str) -> None:
    response = ask(llm, way, [ChatMessage([TextBlock(text="What do you see?"), ImageBlock(image=PNG)])])
    assert "PNG image, {} x {} pixels".format(*PNG_SIZE) in text_of(response)
    assert received.content[1] == {"type": "image", "source": PNG_SOURCE}


@chat_way
def test_document(llm: Portkey, received: Received, way: str) -> None:
    response = ask(llm, way, [ChatMessage([DocumentBlock(data=PDF), TextBlock(text="What does it say?")])])
    assert PDF_TEXT in text_of(response)
    assert received.content[0]["type"] == "document"
    assert received.content[0]["source"] == PDF_SOURCE


@pytest.mark.parametrize("prompt", [
    PromptTemplate("Tell me a joke about {topic}"),
    ChatPromptTemplate([ChatMessage("Be brief", role=MessageRole.SYSTEM), ChatMessage("Tell me a joke about {topic}")]),
], ids=["complete", "chat"])  # fmt: skip
@pytest.mark.parametrize(
    "way",
    ["structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict"],
)
def test_structured(llm: Portkey, received: Received, api_format: str, way: str, prompt: Any) -> None:
    outputs = call(getattr(llm, way), Joke, prompt, topic="cats")
    assert outputs[-1] == Joke(setup="Why did the cats cross the road?", punchline="To get to the other side!")
    assert received.latest["tool_choice"] == choice("any", api_format)
    assert received.latest["tools"][0]["name"] == "Joke"
    if "stream" in way:
        assert len(outputs) > 3
        assert any(output.setup and not output.punchline for output in outputs)


# StructuredLLM calls a method of the answer that pydantic renamed; it has no streamed completion.
@pytest.mark.filterwarnings("ignore:The `json` method is deprecated")
@pytest.mark.parametrize("way", [*CHAT, "complete", "acomplete"])
def test_structured_llm(llm: Portkey, received: Received, api_format: str, way: str) -> None:
    response = ask(llm.as_structured_llm(Joke), way, "Tell me a joke about cats")
    assert json.loads(text_of(response)) == response.raw.model_dump()
    assert response.raw.setup == "Why did the cats cross the road?"
    assert received.latest["tool_choice"] == choice("any", api_format)
