"""Tokens counted before a call are those that the call itself costs."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage, trim_messages
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.tools import BaseTool, tool
from pydantic import BaseModel

from portkey_gateway.errors import AuthenticationError, EncodingError, InvalidResponseError, RateLimitError
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.signatures import sign
from portkey_langchain import ChatPortkey
from tests.langchain.media import MARK, PDF64, PNG64, PNG_URL
from tests.support.recording import RecordingServer, whole

OPENAI_ERROR = {"error": {"message": "no", "type": "x"}}
CALL = {"name": "look", "args": {"at": "the sky"}, "id": "call_1", "type": "tool_call"}
THOUGHT = {"type": "thinking", "thinking": "Look up.", "signature": sign("Look up.")}


@tool
def look(at: str, times: int = 1) -> None:
    """Look at something."""


class Report(BaseModel):
    """Report what was seen."""

    seen: list[str]


CONVERSATIONS = [
    pytest.param([HumanMessage("Hello!")], [], id="text"),
    pytest.param([SystemMessage("Be brief."), HumanMessage("Hello!")], [], id="system"),
    pytest.param(
        [
            ("developer", [{"type": "text", "text": "Be brief.", "cache_control": MARK}]),
            HumanMessage(["Hello!", {"type": "text", "text": "How are you?"}]),
        ],
        [],
        id="developer with a breakpoint",
    ),
    pytest.param(
        [HumanMessage([{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PNG_URL}}])],
        [],
        id="image",
    ),
    pytest.param(
        [
            HumanMessage(
                [
                    {"type": "image", "base64": PNG64, "mime_type": "image/png"},
                    {"type": "file", "base64": PDF64, "mime_type": "application/pdf"},
                    {"type": "text-plain", "text": "A long story.", "mime_type": "text/plain"},
                ]
            )
        ],
        [],
        id="image, PDF and text",
    ),
    pytest.param([HumanMessage("Look at the sky.")], [look, Report], id="tools"),
    pytest.param(
        [
            SystemMessage("Look before you answer."),
            HumanMessage("Look at the sky."),
            AIMessage([THOUGHT, {"type": "text", "text": "I look."}], tool_calls=[CALL]),
            ToolMessage([{"type": "text", "text": "blue"}], tool_call_id="call_1"),
        ],
        [look],
        id="tool loop",
    ),
]


@pytest.mark.parametrize(("messages", "tools"), CONVERSATIONS)
def test_the_count_is_the_usage_of_the_same_call(
    model: ChatPortkey, messages: list[BaseMessage], tools: list[Any]
) -> None:
    asked = model.bind_tools(tools).invoke(messages) if tools else model.invoke(messages)
    assert asked.usage_metadata
    count = model.get_num_tokens_from_messages(model._convert_input(messages).to_messages(), tools=tools or None)
    assert count == asked.usage_metadata["input_tokens"] > 0


def test_tools_and_thinking_weigh(model: ChatPortkey, sandbox: Sandbox) -> None:
    messages: list[BaseMessage] = [HumanMessage("Look at the sky.")]
    plain = model.get_num_tokens_from_messages(messages)
    assert model.get_num_tokens_from_messages(messages, tools=[look]) > plain
    thinking = model.with_options(thinking={"type": "enabled", "budget_tokens": 1024})
    assert thinking.get_num_tokens_from_messages(messages) > 0
    last = sandbox.claude.requests[-1]
    assert last.path == "/v1/messages/count_tokens"
    assert last.body["thinking"] == {"type": "enabled", "budget_tokens": 1024}


def test_a_text_counts_as_what_a_user_says(model: ChatPortkey) -> None:
    assert model.get_num_tokens("How deep is the sea?") == model.get_num_tokens_from_messages(
        [HumanMessage("How deep is the sea?")]
    )


def test_every_form_of_a_tool_counts_alike(model: ChatPortkey) -> None:
    messages: list[BaseMessage] = [HumanMessage("Hi")]
    schema = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}
    anthropic = {"name": "look", "description": "Look.", "input_schema": schema}
    openai = {"type": "function", "function": {"name": "look", "description": "Look.", "parameters": schema}}
    counts = {model.get_num_tokens_from_messages(messages, tools=[each]) for each in (anthropic, openai)}
    assert len(counts) == 1


def test_labels_and_keys_go_along(model: ChatPortkey, sandbox: Sandbox) -> None:
    model.get_num_tokens("Hi")
    [request] = sandbox.claude.requests
    assert request.body == {
        "model": sandbox.model,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    assert "x-api-key" in request.headers


def _local(server: RecordingServer, **options: Any) -> ChatPortkey:
    given: dict[str, Any] = {"model": "claude-sonnet-4-6", "provider": "anthropic", "max_retries": 0, **options}
    return ChatPortkey(provider_api_key="sk-x", base_url=server.base_url, **given)


MESSAGES: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage("How deep is the sea?")]


@pytest.mark.parametrize("tools", [None, [look]])
def test_another_model_is_counted_approximately_and_nobody_is_asked(
    server: RecordingServer, tools: list[BaseTool | dict[str, Any]] | None
) -> None:
    model = _local(server, model="gpt-5", provider="openai")
    assert model.get_num_tokens_from_messages(MESSAGES, tools=tools) == count_tokens_approximately(
        MESSAGES, tools=tools
    )
    assert server.requests == []


def test_a_gateway_without_the_route_is_counted_approximately(server: RecordingServer) -> None:
    server.reply(whole(OPENAI_ERROR, status=404))
    assert _local(server).get_num_tokens_from_messages(MESSAGES) == count_tokens_approximately(MESSAGES)
    [request] = server.requests
    assert request.path == "/v1/messages/count_tokens"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (whole(OPENAI_ERROR, status=401), AuthenticationError),
        (whole(OPENAI_ERROR, status=429), RateLimitError),
        (whole({"no": "count"}), InvalidResponseError),
    ],
)
def test_any_other_failure_is_told(server: RecordingServer, reply: Any, error: type[Exception]) -> None:
    server.reply(reply)
    with pytest.raises(error):
        _local(server).get_num_tokens("Hi")


def test_what_cannot_be_sent_cannot_be_counted(model: ChatPortkey) -> None:
    with pytest.raises(EncodingError, match=r"messages\[0\].content\[0\] is a block of type 'guess'"):
        model.get_num_tokens_from_messages([HumanMessage([{"type": "guess"}])])


@pytest.mark.parametrize(
    "part",
    [
        pytest.param([SystemMessage("Be brief.")], id="system alone"),
        pytest.param([HumanMessage("Hi"), AIMessage("Hello.")], id="an answer at the end"),
        pytest.param([HumanMessage("Hi"), ToolMessage("blue", tool_call_id="call_1")], id="a result without its call"),
    ],
)
def test_a_part_that_claude_refuses_is_counted_approximately(model: ChatPortkey, part: list[BaseMessage]) -> None:
    assert model.get_num_tokens_from_messages(part) == count_tokens_approximately(part)


@pytest.mark.parametrize("kept", [1, 3, 5])
def test_trimming_asks_the_model(model: ChatPortkey, sandbox: Sandbox, kept: int) -> None:
    messages = [
        SystemMessage("Be brief."),
        HumanMessage("Look at the sky."),
        AIMessage("I look.", tool_calls=[CALL]),
        ToolMessage("blue " * 50, tool_call_id="call_1"),
        AIMessage("Blue. " * 50),
        HumanMessage("Thanks."),
    ]
    limit = model.get_num_tokens_from_messages([messages[0], *messages[-kept:]]) + 10
    sandbox.claude.clear()
    trimmed = trim_messages(
        messages, max_tokens=limit, token_counter=model, include_system=True, start_on=("human", "ai")
    )
    assert trimmed[0] == messages[0]
    assert trimmed[1:] == messages[-(len(trimmed) - 1) :]
    assert {request.path for request in sandbox.claude.requests} == {"/v1/messages/count_tokens"}
