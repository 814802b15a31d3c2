"""Conversations that change their model in the middle, and those that other classes wrote, behind the real gateway.

Claude, OpenAI and Claude again: with tools, thoughts, images, citations, searches and refusals. What other classes of
LangChain answer is given here as their own decoders build it.
"""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from langchain_openai.chat_models.base import _construct_lc_result_from_responses_api
from openai.types.responses import Response

from portkey_gateway import PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.brain import REDACT_MAGIC, REFUSAL_MAGIC
from portkey_gateway.sandbox.claude.signatures import sign
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, whole_or_streamed
from tests.langchain.media import PNG64
from tests.support.routed import routed

BUDGET = {"type": "enabled", "budget_tokens": 2000}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
IMAGE = {"type": "image", "base64": PNG64, "mime_type": "image/png"}
FACTS = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "The sky is blue. The grass is green."},
    "citations": {"enabled": True},
}


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"{city}: sunny"


@pytest.fixture
def claude(both: Sandbox, api_format: Any) -> ChatPortkey:
    return ChatPortkey(
        model="claude-sonnet-4-5", thinking=BUDGET, max_tokens=9000, api_format=api_format, max_retries=0,
        **both.options(),
    )  # fmt: skip


@pytest.fixture
def openai(both: Sandbox) -> ChatPortkey:
    return ChatPortkey(model="gpt-5", max_retries=0, **both.options("openai"))


class Conversation:
    """One that anybody may go on with, stored between its turns."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.messages: list[BaseMessage] = [SystemMessage("Be brief.")]

    def turn(self, model: ChatPortkey, *said: Any, tools: Any = (get_weather,)) -> AIMessage:
        self.messages += [HumanMessage(each) if isinstance(each, str | list) else each for each in said]
        answer = self._ask(model.bind_tools(list(tools)), self.messages)
        self.messages = messages_from_dict(messages_to_dict([*self.messages, answer]))
        return answer


@any_call
@pytest.mark.filterwarnings("ignore:the gateway drops citations of:portkey_gateway.PortkeyWarning")
def test_a_conversation_goes_from_claude_to_openai_and_back(
    claude: ChatPortkey, openai: ChatPortkey, both: Sandbox, ask: Ask
) -> None:
    talk = Conversation(ask)
    call = talk.turn(claude, "What is the weather in Paris?").tool_calls[0]
    assert "sunny" in talk.turn(openai, ToolMessage("sunny", tool_call_id=call["id"])).text
    talk.turn(claude, [{"type": "text", "text": "What colour is the grass?"}, FACTS])
    assert "8 x 6 pixels" in talk.turn(openai, [{"type": "text", "text": "Describe the image."}, IMAGE]).text
    talk.turn(claude, f"Think of nothing. {REDACT_MAGIC}")
    talk.turn(openai, "And so?")
    call = talk.turn(claude, "What is the weather in Oslo?").tool_calls[0]
    seen: Any = [{"type": "text", "text": "snow"}, IMAGE]
    assert "8 x 6 pixels" in talk.turn(openai, ToolMessage(seen, tool_call_id=call["id"]), tools=[]).text
    talk.turn(claude, "And so?")
    talk.turn(claude, "Search the web for lighthouses.", tools=[SEARCH])
    talk.turn(openai, "And so?")
    refused = talk.turn(claude, REFUSAL_MAGIC)
    assert refused.response_metadata["stop_reason"] == "refusal"
    talk.messages[-2:-1] = [HumanMessage("Never mind.")]
    talk.turn(openai, "And so?")
    assert talk.turn(claude, "And so?").text
    contents = [message["content"] for message in both.claude.requests[-1].body["messages"]]
    thoughts = [block["type"] for content in contents if isinstance(content, list) for block in content]
    assert thoughts.count("thinking") >= 2
    assert "redacted_thinking" in thoughts


@any_call
def test_claude_goes_on_with_a_loop_of_tool_calls_that_another_began(
    claude: ChatPortkey, openai: ChatPortkey, both: Sandbox, ask: Ask
) -> None:
    talk = Conversation(ask)
    call = talk.turn(openai, "What is the weather in Paris?").tool_calls[0]
    with pytest.warns(PortkeyWarning, match="thinking is left out until this loop of tool calls is over"):
        assert "sunny" in talk.turn(claude, ToolMessage("sunny", tool_call_id=call["id"])).text
    assert "thinking" not in both.claude.requests[-1].body
    talk.turn(claude, "Thanks.")
    assert both.claude.requests[-1].body["thinking"] == BUDGET


# --- what other classes wrote -----------------------------------------------------------------------------------------


REASONING = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}],
             "encrypted_content": "gAAA"}  # fmt: skip
PAGE = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 4}
BLUE: dict[str, Any] = {"type": "output_text", "text": "Blue.", "annotations": [PAGE], "logprobs": []}
OUTPUT: dict[str, list[dict[str, Any]]] = {
    "everything": [
        REASONING,
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "sky"}},
        {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "1", "container_id": "c",
         "outputs": [{"type": "logs", "logs": "1"}]},
        {"type": "mcp_call", "id": "mc_1", "name": "a", "arguments": "{}", "server_label": "s", "output": "ok"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [BLUE]},
    ],
    "a call": [REASONING, {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look",
                           "arguments": '{"at": "sky"}', "status": "completed"}],
    "a call in words": [{"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "look",
                         "input": "sky"}],
    "a refusal": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                   "content": [{"type": "refusal", "refusal": "I will not."}]}],
}  # fmt: skip


def of_responses(name: str, version: str) -> AIMessage:
    """What ``ChatOpenAI`` makes of an answer of OpenAI's Responses."""
    response = Response.model_validate({
        "id": "resp_1", "object": "response", "created_at": 1.0, "model": "gpt-5", "status": "completed",
        "output": OUTPUT[name], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    })  # fmt: skip
    result: Any = _construct_lc_result_from_responses_api(response, output_version=version)
    message: AIMessage = result.generations[0].message
    return message


LOOK: Any = {"name": "look", "args": {"at": "sky"}, "id": "call_1", "type": "tool_call"}
TEXT: dict[str, Any] = {"type": "text", "text": "Blue."}


def of(provider: str, content: Any, *calls: Any, **more: Any) -> AIMessage:
    metadata = {"model_provider": provider, **more.pop("metadata", {})}
    return AIMessage(content, tool_calls=[*calls], response_metadata=metadata, **more)


def of_bedrock(model: str, *content: Any) -> AIMessage:
    thought = {"type": "reasoning_content", "reasoning_content": {"text": "Hm.", "signature": sign("Hm.")}}
    return of("bedrock_converse", [thought, *content], metadata={"model_name": model})


V1 = {"output_version": "v1"}
FOREIGN: dict[str, AIMessage] = {
    "Gemini, thoughts": of("google_genai", [{"type": "thinking", "thinking": "Hm."},
                                            {**TEXT, "extras": {"signature": "c2ln"}}]),
    "Gemini, code": of("google_genai", [{"type": "executable_code", "executable_code": "1", "language": "PYTHON"},
                                        {"type": "code_execution_result", "code_execution_result": "1"}, TEXT]),
    "Gemini, a call": of("google_genai", [{"type": "thinking", "thinking": "Hm."}], LOOK, additional_kwargs={
        "function_call": {"name": "look", "arguments": "{}"},
        "__gemini_function_call_thought_signatures__": {"call_1": "c2ln"}}),
    "Bedrock, Claude": of_bedrock("us.anthropic.claude-sonnet-4-5-20250929-v1:0", TEXT),
    "Bedrock, another": of_bedrock("openai.gpt-oss-120b-1:0", TEXT),
    "Bedrock, redacted": of("bedrock_converse", [
        {"type": "reasoning_content", "reasoning_content": {"redacted_content": b"abc"}}, TEXT]),
    "Mistral, thoughts": of("mistralai", [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, TEXT]),
    "Mistral, references": of("mistralai", [TEXT, {"type": "text", "text": "", "reference": {"reference_ids": [0]}}]),
    "Ollama": of("ollama", "", LOOK, additional_kwargs={"reasoning_content": "Hm."}),
    "Anthropic, v1": of("anthropic", [
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": sign("Hm.")}}, TEXT, LOOK], LOOK,
        metadata=V1),
    "another, v1": of("openai", [{"type": "non_standard", "value": {"a": 1}}, TEXT], metadata=V1),
}  # fmt: skip
WRITTEN = FOREIGN | {
    f"Responses {version}, {name}": of_responses(name, version)
    for name in OUTPUT
    for version in ("v0", "responses/v1", "v1")
}


@whole_or_streamed
@pytest.mark.filterwarnings("ignore:thinking is left out until this loop:portkey_gateway.PortkeyWarning")
@pytest.mark.parametrize("written", WRITTEN)
def test_what_another_class_wrote_goes_on(
    claude: ChatPortkey, openai: ChatPortkey, both: Sandbox, written: str, ask: Ask
) -> None:
    message = WRITTEN[written]
    results = [ToolMessage("blue", tool_call_id=call["id"]) for call in message.tool_calls]
    history = [HumanMessage("Look."), message, *results, HumanMessage("And now?")]
    assert ask(claude, history).text
    said = [block for each in both.claude.requests[-1].body["messages"] for block in each["content"]]
    assert any(block == {"type": "thinking", "thinking": "Hm.", "signature": sign("Hm.")} for block in said) is (
        written in {"Bedrock, Claude", "Anthropic, v1"}
    )
    assert ask(openai, history).text
    told = str(both.openai.requests[-1].body["messages"])
    assert ("Blue." in told) is ("Blue." in message.text)
    assert ("look" in told) is bool(message.tool_calls)
    fallback = ChatPortkey(**routed(both, both.config()))
    assert ask(fallback, history).text


@any_call
def test_calls_from_before_tools_had_ids(claude: ChatPortkey, openai: ChatPortkey, both: Sandbox, ask: Ask) -> None:
    asked = AIMessage("", additional_kwargs={"function_call": {"name": "look", "arguments": '{"at": "sky"}'}})
    history = [HumanMessage("Look."), asked, FunctionMessage(content="blue", name="look")]
    with pytest.warns(PortkeyWarning, match="thinking is left out"):
        assert "blue" in ask(claude, history).text
    use, result = both.claude.requests[-1].body["messages"][1]["content"][0], both.claude.requests[-1].body["messages"]
    assert (use["name"], use["input"]) == ("look", {"at": "sky"})
    assert result[2]["content"][0]["tool_use_id"] == use["id"]
    assert "blue" in ask(openai, history).text


@any_call
@pytest.mark.parametrize(
    "begun",
    [
        [AIMessage("How can I help?")],
        [AIMessage("", tool_calls=[LOOK]), ToolMessage("blue", tool_call_id="call_1"), AIMessage("Blue.")],
    ],
)
def test_a_conversation_may_begin_with_an_answer(
    claude: ChatPortkey, both: Sandbox, begun: list[BaseMessage], ask: Ask
) -> None:
    assert ask(claude, [SystemMessage("Be brief."), *begun, HumanMessage("And now?")]).text
    first = both.claude.requests[-1].body["messages"][0]
    assert (first["role"], "continued" in str(first["content"])) == ("user", True)
