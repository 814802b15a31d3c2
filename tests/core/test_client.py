"""`GatewayClient` through the real gateway: what Claude is asked, and what comes back, whole and streamed,
in either API format."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from portkey_gateway import GatewayClient, GatewayInfo, GatewayOptions, TraceContext
from portkey_gateway.conversation.answer import AnswerBlock
from portkey_gateway.conversation.request import ChatRequest, Tool
from portkey_gateway.options import ApiFormat
from portkey_gateway.sandbox import Sandbox
from tests.support.calls import HELLO, Ask, achat, any_call, astream, chat, stream

MakeClient = Callable[..., GatewayClient]
TWINS = [(chat, stream), (achat, astream)]
WEATHER: Tool = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(params=["chat_completions", "messages"])
def api_format(request: pytest.FixtureRequest) -> ApiFormat:
    chosen: ApiFormat = request.param
    return chosen


@pytest.fixture
def make(sandbox: Sandbox, api_format: ApiFormat) -> MakeClient:
    """Makes clients that speak this API format to the sandbox."""

    def make_client(**options: Any) -> GatewayClient:
        given = {**sandbox.options(), "api_format": api_format, **options}
        return GatewayClient(GatewayOptions(**given), timeout_s=20)

    return make_client


def request(*contents: Any, **more: Any) -> ChatRequest:
    messages = [{"role": "user", "content": content} for content in contents]
    asked: Any = {**HELLO, "messages": messages, **more}
    return asked  # type: ignore[no-any-return]  # built from parts that the test chose


@any_call
def test_an_answer(sandbox: Sandbox, make: MakeClient, api_format: ApiFormat, ask: Ask) -> None:
    sandbox.claude.reply_with("Good ", "morning.")

    found = ask(make(trace_id="trace-1"))

    [seen] = sandbox.claude.requests
    assert found.text == "Good morning."
    assert (found.stop_reason, found.finish_reason) == ("end_turn", "stop")
    assert (found.facts()["provider"], found.model) == ("anthropic", "claude-sonnet-4-5")
    # A message of Anthropic's does not name who answers; the gateway does, in its headers.
    assert found.provider == ("anthropic" if api_format == "chat_completions" else "")
    assert found.id
    assert found.info == GatewayInfo(
        status=200,
        trace_id="trace-1",
        request_id=seen.request_id,
        provider="anthropic",
        cache_status="DISABLED",
        target_index="config",
        retry_count=0,
    )


@pytest.mark.parametrize(("whole", "streamed"), TWINS)
@pytest.mark.parametrize(
    "content",
    [
        ["Hello."],
        ["One.", "Two."],
        ['Grüße, 日本語 🦜 \u2028 <&> \\n "quoted"'],
        [{"type": "thinking", "thinking": "Hm, a question."}, "An answer."],
        [{"type": "redacted_thinking", "text": "secret"}, "An answer."],
        ["Looking.", {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Zürich"}}],
        [
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Bern"}},
            {"type": "tool_use", "id": "toolu_2", "name": "get_weather", "input": {}},
        ],
    ],
)
def test_a_stream_adds_up_to_the_whole_answer(
    sandbox: Sandbox, make: MakeClient, whole: Ask, streamed: Ask, content: list[Any]
) -> None:
    sandbox.claude.reply_with(*content, times=2)
    thinking = {"type": "enabled", "budget_tokens": 1024}
    asked = request("Hello!", max_tokens=2000, tools=[WEATHER], thinking=thinking)

    one, other = whole(make(), asked), streamed(make(), asked)

    assert one == other
    assert one.blocks or one.tool_calls
    assert one.usage is not None
    assert one.usage.input_tokens > 0


@any_call
@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_messages_go_to_the_top(sandbox: Sandbox, make: MakeClient, ask: Ask, role: Any) -> None:
    asked = request("Hello!")
    asked["messages"] = [{"role": role, "content": "Speak like a pirate."}, *asked["messages"]]

    ask(make(), asked)

    [seen] = sandbox.claude.requests
    assert [block["text"] for block in seen.body["system"]] == ["Speak like a pirate."]
    assert [message["role"] for message in seen.body["messages"]] == ["user"]


@any_call
def test_tools_are_offered_called_and_answered(sandbox: Sandbox, make: MakeClient, ask: Ask) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Zürich"}}
    sandbox.claude.reply_with("Let me look.", use)
    asked = request("How is the weather in Zürich?", tools=[WEATHER])

    called = ask(make(), asked)

    [call] = called.tool_calls
    assert (call.id, call.name, call.args) == ("toolu_1", "get_weather", {"city": "Zürich"})
    assert called.finish_reason == "tool_calls"
    assert called.text == "Let me look."

    function: Any = {"name": call.name, "arguments": call.arguments}
    asked["messages"] += [
        {
            "role": "assistant",
            "content": called.text,
            "tool_calls": [{"id": call.id, "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": call.id, "content": "Sunny."},
    ]
    sandbox.claude.reply_with("It is sunny.")
    assert ask(make(), asked).text == "It is sunny."
    last = sandbox.claude.requests[-1].body["messages"]
    assert last[1]["content"][-1] == use
    assert last[2]["content"] == [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "Sunny."}]


@any_call
def test_thinking_comes_back_with_its_signature_and_can_be_replayed(
    sandbox: Sandbox, make: MakeClient, ask: Ask
) -> None:
    sandbox.claude.reply_with({"type": "thinking", "thinking": "Let me see."}, "42.")
    asked = request("What is 6 times 7?", max_tokens=2000, thinking={"type": "enabled", "budget_tokens": 1024})

    found = ask(make(), asked)

    thought, said = found.blocks
    assert (thought.type, thought.text) == ("thinking", "Let me see.")
    assert thought.signature
    assert said == AnswerBlock("text", "42.")
    assert found.text == "42."

    blocks: Any = [
        {"type": "thinking", "thinking": thought.text, "signature": thought.signature},
        {"type": "text", "text": said.text},
    ]
    asked["messages"] += [{"role": "assistant", "content_blocks": blocks}, {"role": "user", "content": "Sure?"}]
    ask(make(), asked)  # the emulated Claude refuses signatures that are not its own
    assert sandbox.claude.requests[-1].body["messages"][1]["content"] == blocks


@any_call
def test_usage_counts_cached_input_as_input(make: MakeClient, ask: Ask) -> None:
    cached = {"type": "text", "text": "A long text. " * 2000, "cache_control": {"type": "ephemeral"}}
    asked = request([cached, {"type": "text", "text": "What is it about?"}])

    first, second = ask(make(), asked).usage, ask(make(), asked).usage

    assert first is not None
    assert second is not None
    assert first.cache_write_tokens > 1024
    assert first.cache_read_tokens == 0
    assert second.cache_read_tokens == first.cache_write_tokens
    assert second.cache_write_tokens == 0
    assert first.input_tokens == second.input_tokens > first.cache_write_tokens
    assert second.total_tokens == second.input_tokens + second.output_tokens


@any_call
def test_limits_and_stop_sequences_end_an_answer(sandbox: Sandbox, make: MakeClient, ask: Ask) -> None:
    sandbox.claude.reply_with("Once upon a", stop_reason="max_tokens")
    assert ask(make()).finish_reason == "length"

    sandbox.claude.reply_with("One, two", stop_reason="stop_sequence", stop_sequence="three")
    found = ask(make(), request("Count!", stop=["three"]))
    assert (found.stop_reason, found.finish_reason) == ("stop_sequence", "stop")
    assert sandbox.claude.requests[-1].body["stop_sequences"] == ["three"]


@any_call
def test_a_calls_own_trace_comes_back(make: MakeClient, ask: Ask) -> None:
    trace = TraceContext(trace_id="0" * 31 + "7", span_id="0" * 15 + "8", span_name="ask")

    found = ask(make(trace_id="of-the-options"), trace=trace)

    assert found.info.trace_id == "0" * 31 + "7"


@any_call
def test_metadata_of_the_call_routes(sandbox: Sandbox, api_format: ApiFormat, ask: Ask) -> None:
    targets = [
        {
            "name": name,
            "provider": "anthropic",
            "api_key": sandbox.provider_api_key,
            "custom_host": sandbox.custom_host,
            "override_params": {"model": model},
        }
        for name, model in (("free", "claude-haiku-4-5"), ("paid", "claude-sonnet-4-5"))
    ]
    conditions = [{"query": {"metadata.plan": {"$eq": "paid"}}, "then": "paid"}]
    config = {"strategy": {"mode": "conditional", "conditions": conditions, "default": "free"}, "targets": targets}
    options = {"base_url": sandbox.base_url, "config": config, "metadata": {"plan": "free"}}
    routing = GatewayClient(GatewayOptions(**options, api_format=api_format))

    found = [ask(routing).info.target_index, ask(routing, metadata={"plan": "paid"}).info.target_index]

    assert found == ["config.targets[0]", "config.targets[1]"]
    assert [seen.body["model"] for seen in sandbox.claude.requests] == ["claude-haiku-4-5", "claude-sonnet-4-5"]


async def test_count_tokens(sandbox: Sandbox, make: MakeClient) -> None:
    body = request("Hello, Claude!")
    counting = make()

    count = counting.count_tokens(body)

    assert count == await counting.acount_tokens(body) > 0
    assert counting.count_tokens(request("Hello, Claude!", system="Speak like a pirate.")) > count
    assert {seen.path for seen in sandbox.claude.requests} == {"/v1/messages/count_tokens"}


@any_call
def test_a_pickled_client_calls_as_before(make: MakeClient, ask: Ask) -> None:
    unpickled = pickle.loads(pickle.dumps(make(trace_id="trace-1")))

    assert ask(unpickled).info.trace_id == "trace-1"
