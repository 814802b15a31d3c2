"""ChatPortkey with OpenAI behind the real gateway: what it does there natively, and fallbacks between it and Claude."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from portkey_gateway import BadRequestError, PortkeyWarning
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.langchain.media import PNG64
from tests.support.routed import routed

LISBON: dict[str, Any] = {"name": "Lisbon", "population": 545000}
QUESTION = "Which city is in the text? name: Lisbon, population: 545000. Answer in JSON."
MARK = {"type": "ephemeral"}


class City(BaseModel):
    """A city."""

    name: str
    population: int


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"{city}: sunny"


@pytest.fixture(params=["gpt-4o", "gpt-5"])
def openai(both: Sandbox, request: pytest.FixtureRequest) -> ChatPortkey:
    return ChatPortkey(model=request.param, max_retries=0, **both.options("openai"))


@any_call
def test_a_text_with_usage(openai: ChatPortkey, ask: Ask) -> None:
    answer = ask(openai, [SystemMessage("Be brief."), HumanMessage("Say exactly: Hello.")], max_tokens=500)
    assert answer.text == answer.content == "Hello."
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_tokens"] > 0
    assert answer.response_metadata["finish_reason"] == "stop"


def run(chain: Any, question: Any) -> Any:
    return chain.invoke(question)


def arun(chain: Any, question: Any) -> Any:
    return asyncio.run(chain.ainvoke(question))


def run_streamed(chain: Any, question: Any) -> Any:
    *_, last = chain.stream(question)
    return last


@pytest.mark.parametrize("ask", [run, arun, run_streamed])
@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_structured_output_in_the_provider_s_own_way(
    openai: ChatPortkey, both: Sandbox, ask: Any, method: Any, strict: bool | None
) -> None:
    assert ask(openai.with_structured_output(City, method=method, strict=strict), QUESTION) == City(**LISBON)
    body = both.openai.requests[-1].body
    assert ("tools" in body) is (method == "function_calling")
    assert ("response_format" in body) is (method != "function_calling")


@any_call
def test_a_tool_loop(openai: ChatPortkey, both: Sandbox, ask: Ask) -> None:
    with_tool = openai.bind_tools([get_weather], tool_choice="any", parallel_tool_calls=False)
    call = ask(with_tool, "What is the weather in Paris?")
    [called] = call.tool_calls
    assert (called["name"], called["args"]) == ("get_weather", {"city": "Paris"})
    result = ToolMessage(get_weather.invoke(called["args"]), tool_call_id=called["id"])
    answer = ask(openai.bind_tools([get_weather]), [HumanMessage("What is the weather in Paris?"), call, result])
    assert "sunny" in answer.text
    assert both.openai.requests[-2].body["parallel_tool_calls"] is False


@any_call
def test_an_image_with_its_detail(openai: ChatPortkey, both: Sandbox, ask: Ask) -> None:
    shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG64}", "detail": "low"}}
    assert ask(openai, [HumanMessage([{"type": "text", "text": "What is it?"}, shown])]).text
    assert both.openai.requests[-1].body["messages"][0]["content"][1] == shown


def test_what_only_openai_has_reaches_it(openai: ChatPortkey, both: Sandbox) -> None:
    asked: dict[str, Any] = {"seed": 7, "service_tier": "default", "store": False, "user": "ann", "n": 1}
    openai.invoke("Hi", stop=None, **asked)
    assert both.openai.requests[-1].body.items() >= asked.items()


@any_call
def test_how_likely_each_token_was_and_what_served(both: Sandbox, ask: Ask) -> None:
    model = ChatPortkey(model="gpt-4o", max_retries=0, **both.options("openai"))
    answer = ask(model, "Say exactly: Hello there.", logprobs=True, top_logprobs=1)
    tokens = answer.response_metadata["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == answer.text == "Hello there."
    assert answer.response_metadata["system_fingerprint"]
    assert answer.response_metadata["service_tier"] == "default"


def test_openai_s_own_word_for_a_mistake_is_told(both: Sandbox) -> None:
    model = ChatPortkey(model="gpt-4o", max_retries=0, **both.options("openai"))
    with pytest.raises(BadRequestError, match="top_logprobs"):
        model.invoke("Hi", top_logprobs=2)


@any_call
@pytest.mark.parametrize("name", ["gpt-5", "o3"])
def test_a_temperature_that_a_reasoning_model_refuses_is_left_out(both: Sandbox, ask: Ask, name: str) -> None:
    model = ChatPortkey(model=name, temperature=0.5, max_retries=0, **both.options("openai"))
    with pytest.warns(PortkeyWarning, match=f"temperature is left out: the call may go to {name}, which takes none"):
        ask(model, "Hi")
    assert "temperature" not in both.openai.requests[-1].body
    ask(model.with_options(model="gpt-5.1"), "Hi")
    assert both.openai.requests[-1].body["temperature"] == 0.5


@any_call
@pytest.mark.parametrize("schema", ["parameters", "input_schema"])
def test_a_strict_tool_is_strict_wherever_that_is_said(both: Sandbox, ask: Ask, schema: str) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    asked = {"name": "get_weather", "description": "Get it.", "strict": True, schema: parameters}
    asked[schema] = {**parameters, "additionalProperties": False}
    model = ChatPortkey(model="gpt-4o", max_retries=0, **both.options("openai"))
    [called] = ask(model.bind_tools([asked], tool_choice="any"), "What is the weather in Paris?").tool_calls
    assert called["args"] == {"city": "Paris"}
    [sent] = both.openai.requests[-1].body["tools"]
    assert (sent["function"]["strict"], "strict" in sent) == (True, False)


def test_the_output_of_several_prompts_names_the_model(both: Sandbox) -> None:
    model = ChatPortkey(model="gpt-4o", max_retries=0, **both.options("openai"))
    output = model.generate([[HumanMessage("Hi")], [HumanMessage("Ho")]]).llm_output
    assert output == {"model_name": "gpt-4o-2024-08-06"}


# --- fallbacks --------------------------------------------------------------------------------------------------------


def falling_back(both: Sandbox, first: Any, second: Any, **more: Any) -> ChatPortkey:
    provider = both.openai if first == "openai" else both.claude
    provider.inject(Fault("status", status=500, times=9))
    name = "gpt-5" if first == "openai" else both.model
    return ChatPortkey(**routed(both, both.config(first, second), name, **more))


ways = pytest.mark.parametrize(("first", "second"), [("openai", "anthropic"), ("anthropic", "openai")])


@any_call
@ways
def test_the_other_answers_in_the_same_conversation(both: Sandbox, ask: Ask, first: str, second: str) -> None:
    model = falling_back(both, first, second)
    call = {"name": "get_weather", "args": {"city": "Paris"}, "id": "call_1", "type": "tool_call"}
    marked: list[Any] = [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    image = {"type": "image", "base64": PNG64, "mime_type": "image/png"}
    history = [
        SystemMessage(marked),
        HumanMessage([{"type": "text", "text": "What is the weather in Paris?"}, image]),
        AIMessage("I look.", tool_calls=[call]),
        ToolMessage("Paris: sunny", tool_call_id="call_1"),
    ]
    with pytest.warns(PortkeyWarning, match="cache_control is left out"):
        answer = ask(model.bind_tools([get_weather]), history, max_tokens=300)
    assert answer.text
    assert answer.response_metadata["target_index"] == "config.targets[1]"


@pytest.mark.parametrize("ask", [run, arun, run_streamed])
@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
@ways
def test_the_other_gives_the_object(both: Sandbox, ask: Any, method: Any, first: str, second: str) -> None:
    model = falling_back(both, first, second)
    assert ask(model.with_structured_output(City, method=method), QUESTION) == City(**LISBON)


# --- what each Claude of a config takes -------------------------------------------------------------------------------


def on_claude(both: Sandbox, *models: str, name: str = "claude-sonnet-4-6", **more: Any) -> ChatPortkey:
    """A model whose config says which Claude answers; of several the last one does."""
    for _ in models[1:]:
        both.claude.inject(Fault("status", status=500))
    config = {"strategy": {"mode": "fallback"}, "targets": [both.target(model=model) for model in models]}
    return ChatPortkey(**routed(both, config, name, **more))


def claude_behind_openai(both: Sandbox, model: str, **more: Any) -> ChatPortkey:
    both.openai.inject(Fault("status", status=500, times=9))
    config = {"strategy": {"mode": "fallback"}, "targets": [both.target("openai"), both.target(model=model)]}
    return ChatPortkey(**routed(both, config, **more))


BUDGET = {"type": "enabled", "budget_tokens": 5000}
everywhere = pytest.mark.parametrize("ask", [run, arun, run_streamed])


@everywhere
@pytest.mark.parametrize("model", ["claude-3-7-sonnet-20250219", "claude-opus-5-5"])
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_the_claude_of_the_config_decides_how_an_object_is_asked_for(
    both: Sandbox, ask: Any, method: Any, model: str
) -> None:
    chain = on_claude(both, model).with_structured_output(City, method=method)
    assert ask(chain, QUESTION) == City(**LISBON)


def sent(both: Sandbox) -> dict[str, Any]:
    body: dict[str, Any] = both.claude.requests[-1].body
    return body


@any_call
@pytest.mark.filterwarnings("error::portkey_gateway.PortkeyWarning")
def test_what_the_claude_of_the_config_takes_goes_out(both: Sandbox, ask: Ask) -> None:
    old = "claude-3-7-sonnet-20250219"
    assert ask(on_claude(both, old, name="claude-opus-4-7", thinking=BUDGET), "Hi").text
    assert sent(both)["thinking"] == BUDGET
    assert ask(on_claude(both, old, name="claude-opus-4-7", temperature=0.5), "Hi").text
    assert sent(both)["temperature"] == 0.5


@any_call
@pytest.mark.parametrize(
    ("models", "asked", "told"),
    [
        (["claude-opus-4-7"], {"temperature": 0.5}, "temperature is left out: claude-opus-4-7"),
        (["claude-haiku-4-5"], {"reasoning_effort": "high"}, "claude-haiku-4-5 has no levels of effort"),
        (["claude-opus-4-7", "claude-sonnet-4-5"], {"thinking": BUDGET}, "thinking is left out"),
        (["claude-opus-4-7", "claude-sonnet-4-6"], {"thinking": BUDGET}, "thinking is sent as"),
        (["claude-sonnet-4-6", "claude-opus-4-7"], {"top_k": 5}, "top_k is left out: claude-opus-4-7"),
    ],
)
def test_what_one_claude_of_the_config_refuses_does_not(
    both: Sandbox, ask: Ask, models: list[str], asked: Any, told: str
) -> None:
    with pytest.warns(PortkeyWarning, match=told):
        assert ask(on_claude(both, *models, **asked), "Hi").text


@any_call
def test_a_temperature_that_openai_s_model_refuses_is_no_end_of_a_fallback(both: Sandbox, ask: Ask) -> None:
    config = both.config("anthropic", "openai")
    config["targets"][1]["override_params"] = {"model": "gpt-5"}
    both.claude.inject(Fault("status", status=500, times=9))
    model = ChatPortkey(**routed(both, config, both.model, temperature=0.5))
    with pytest.warns(PortkeyWarning, match="temperature is left out: the call may go to gpt-5"):
        assert ask(model, "Hi").response_metadata["provider"] == "openai"
    assert "temperature" not in both.openai.requests[-1].body


@any_call
@pytest.mark.parametrize(
    ("model", "asked", "told"),
    [
        ("claude-opus-4-7", {"temperature": 0.5}, "temperature is left out: claude-opus-4-7"),
        ("claude-sonnet-4-5", {"temperature": 0.5, "top_p": 0.9}, "top_p is left out"),
        ("claude-sonnet-4-5", {"stop": ["\n\n"]}, "white space in stop"),
        ("claude-sonnet-4-5", {"thinking": BUDGET}, None),
        ("claude-opus-4-7", {"thinking": BUDGET}, "thinking is sent as"),
    ],
)
def test_a_claude_answers_for_openai_whatever_it_refuses(
    both: Sandbox, ask: Ask, model: str, asked: Any, told: str | None
) -> None:
    fallback = claude_behind_openai(both, model, **asked)
    if not told:
        assert ask(fallback, "Hi").text
        return
    with pytest.warns(PortkeyWarning, match=told):
        assert ask(fallback, "Hi").text


@any_call
@pytest.mark.parametrize(("model", "more"), [("claude-opus-5-5", {}), ("claude-sonnet-4-5", {"thinking": BUDGET})])
def test_a_choice_that_the_claude_refuses_is_free_for_all(both: Sandbox, ask: Ask, model: str, more: Any) -> None:
    fallback = claude_behind_openai(both, model, **more).bind_tools([get_weather], tool_choice="any")
    with pytest.warns(PortkeyWarning, match="tool_choice is sent as 'auto'"):
        assert ask(fallback, "What is the weather in Paris?").tool_calls
    assert sent(both)["tool_choice"]["type"] == "auto"


@everywhere
@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
@pytest.mark.parametrize(("model", "more"), [("claude-opus-5-5", {}), ("claude-sonnet-4-5", {"thinking": BUDGET})])
def test_a_claude_that_cannot_be_forced_gives_the_object_for_openai(
    both: Sandbox, ask: Any, method: Any, model: str, more: Any
) -> None:
    chain = claude_behind_openai(both, model, **more).with_structured_output(City, method=method)
    assert ask(chain, QUESTION) == City(**LISBON)


@any_call
@ways
def test_a_claude_that_thinks_goes_on_after_a_tool_though_another_may_answer(
    both: Sandbox, ask: Ask, first: str, second: str
) -> None:
    names = {"openai": "gpt-5", "anthropic": "claude-sonnet-4-5"}
    targets = [both.target(each, model=names[each]) for each in (first, second)]  # type: ignore[arg-type]  # providers
    config = {"strategy": {"mode": "fallback"}, "targets": targets}
    model = ChatPortkey(**routed(both, config, names[first], thinking=BUDGET, max_tokens=9000))
    both.openai.inject(Fault("status", status=500, times=9))
    question = HumanMessage("What is the weather in Paris?")
    with_tool = model.bind_tools([get_weather])
    call = ask(with_tool, [question])
    assert sent(both)["thinking"] == BUDGET
    [called] = call.tool_calls
    result = ToolMessage(get_weather.invoke(called["args"]), tool_call_id=called["id"])
    with pytest.warns(PortkeyWarning, match="thinking is left out: the config may send"):
        answer = ask(with_tool, [question, call, result])
    assert "sunny" in answer.text
    assert "thinking" not in sent(both)
    assert ask(with_tool, [question, call, result, answer, HumanMessage("Thanks")]).text
    assert sent(both)["thinking"] == BUDGET


@everywhere
def test_an_effort_of_the_model_s_own_counts_for_how_an_object_is_asked_for(both: Sandbox, ask: Any) -> None:
    model = ChatPortkey(model="claude-opus-4-7", reasoning_effort="high", max_retries=0, **both.options())
    assert ask(model.with_structured_output(City), QUESTION) == City(**LISBON)


@any_call
@pytest.mark.filterwarnings("error::portkey_gateway.PortkeyWarning")
@pytest.mark.parametrize("api_format", ["messages", "chat_completions"])
@pytest.mark.parametrize(("model", "thinking"), [("claude-opus-4-7", None), ("claude-opus-5", {"type": "disabled"})])
def test_an_effort_of_none_is_no_thinking(both: Sandbox, ask: Ask, model: str, thinking: Any, api_format: Any) -> None:
    claude = ChatPortkey(model=model, reasoning_effort="none", api_format=api_format, max_retries=0, **both.options())
    assert ask(claude, "Hi").text
    assert sent(both).get("thinking") == thinking
    assert "output_config" not in sent(both)


@any_call
@ways
def test_a_text_document_and_a_strict_tool_reach_both(both: Sandbox, ask: Ask, first: str, second: str) -> None:
    targets = both.config(first, second)  # type: ignore[arg-type]  # they are providers
    strict = {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Look.",
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {"at": {"type": "string"}},
                "required": ["at"],
                "additionalProperties": False,
            },
        },
    }
    name = "gpt-5" if first == "openai" else both.model
    both.claude.inject(Fault("status", status=500, times=9))
    model = ChatPortkey(**routed(both, targets, name))
    document = {"type": "text-plain", "text": "The word is azure.", "mime_type": "text/plain"}
    question = [HumanMessage([{"type": "text", "text": "What is the word?"}, document])]
    ask(model.bind_tools([strict]), question)
    [tool_sent] = both.openai.requests[-1].body["tools"]
    assert tool_sent["function"]["strict"] is True
    assert tool_sent["function"]["parameters"]["additionalProperties"] is False
    both.claude.clear()
    both.openai.inject(Fault("status", status=500, times=9))
    ask(model.bind_tools([strict]), question)
    assert "azure" in str(sent(both)["messages"])
