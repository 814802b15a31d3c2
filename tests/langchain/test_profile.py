"""The profile tells what the model takes, and LangChain's own helpers go by it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.messages import AIMessage, HumanMessage, trim_messages

from portkey_gateway import ContextOverflowError
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey

FALLBACK = {
    "targets": [{"provider": "openai"}, {"provider": "anthropic", "override_params": {"model": "claude-opus-4-5"}}]
}


def profile(model: str, **options: Any) -> Any:
    return ChatPortkey(model=model, api_key="pk", **options).profile


@pytest.mark.parametrize(
    ("model", "most_in", "most_out"),
    [
        ("@anthropic-prod/claude-opus-5-5", 1_000_000, 128_000),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 200_000, 64_000),
        ("gpt-5", 272_000, 128_000),
        ("openai/gpt-4o", 128_000, 16_384),
        ("gemini-2.5-pro", 1_048_576, 65_536),
    ],
)
def test_the_profile_tells_how_much_the_model_takes_and_gives(model: str, most_in: int, most_out: int) -> None:
    assert (profile(model)["max_input_tokens"], profile(model)["max_output_tokens"]) == (most_in, most_out)


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "@bedrock/anthropic.claude-x", "claude-sonnet-4-20250514"])
def test_the_profile_tells_what_every_claude_takes(model: str) -> None:
    told = profile(model)
    assert told["max_input_tokens"] == 200_000
    for taken in ("image_inputs", "image_url_inputs", "pdf_inputs", "tool_calling", "tool_choice", "structured_output"):
        assert told[taken] is True
    assert told["audio_inputs"] is told["video_inputs"] is False


def test_the_profile_tells_what_the_newest_claudes_refuse() -> None:
    told = profile("claude-sonnet-5-5")
    assert (told["tool_choice"], told["temperature"]) == (False, False)
    assert told["reasoning_effort_levels"] == ["low", "medium", "high", "xhigh", "max"]
    assert told["mid_conversation_system_messages"] is True


def test_of_a_model_that_nobody_knows_there_is_none_unless_its_family_is_told() -> None:
    assert profile("prod-7") is None
    assert profile("prod-7", family="claude")["max_input_tokens"] == 200_000


def test_where_several_may_answer_the_least_counts() -> None:
    told = profile("gpt-5", config=FALLBACK)
    assert (told["max_input_tokens"], told["max_output_tokens"]) == (200_000, 64_000)


def test_a_profile_of_the_caller_stands_and_none_is_shared() -> None:
    model = ChatPortkey(model="claude-sonnet-4-5", api_key="pk")
    own = model.with_options(profile={"max_input_tokens": 1})
    assert own.profile == own.with_options(model="gpt-5").profile == {"max_input_tokens": 1}
    changed: Any = model.profile
    changed["max_input_tokens"] = 1
    assert model.with_options(profile=None).profile != changed


def test_a_copy_with_another_model_has_that_models_profile() -> None:
    copy = ChatPortkey(model="claude-sonnet-4-5", api_key="pk").with_options(model="gpt-5")
    assert copy.profile == profile("gpt-5")


# --- LangChain's helpers, through the real gateway --------------------------------------------------------------------


def long_talk(turns: int) -> list[Any]:
    """Turns of about two thousand tokens each."""
    said = "the ships that lay in the harbour of Kiel, " * 180
    return [part for turn in range(turns) for part in (HumanMessage(f"{turn}: {said}"), AIMessage("I see."))]


def test_trim_messages_keeps_what_the_model_takes(portkey_sandbox_with_openai: Sandbox) -> None:
    model = ChatPortkey(model="gpt-4", max_retries=0, **portkey_sandbox_with_openai.options("openai"))
    told: Any = model.profile
    talk = [*long_talk(8), HumanMessage("Hello!")]
    with pytest.raises(ContextOverflowError):
        model.invoke(talk)
    kept = trim_messages(talk, max_tokens=told["max_input_tokens"] - 500, token_counter=model, strategy="last")
    assert len(long_talk(2)) < len(kept) < len(talk)
    assert model.invoke(kept, max_tokens=200).text


def test_the_summarizing_middleware_goes_by_the_share_of_the_models_window(
    model: ChatPortkey, sandbox: Sandbox
) -> None:
    told: Any = model.profile
    shares: Any = {"trigger": ("fraction", 6_000 / told["max_input_tokens"]), "keep": ("messages", 1)}
    agent: Any = create_agent(model, [], middleware=[SummarizationMiddleware(model, **shares)])

    short = agent.invoke({"messages": [*long_talk(1), HumanMessage("Hello!")]})
    assert len(short["messages"]) == 4
    summed = agent.invoke({"messages": [*long_talk(8), HumanMessage("Hello!")]})
    assert "summary" in summed["messages"][0].text.lower()
    assert len(summed["messages"]) == 3
    assert len(str(sandbox.claude.requests[-1].body)) < len(str(summed)) < len(str(long_talk(8))) / 2


def test_it_refuses_a_model_of_unknown_window_by_saying_so(model: ChatPortkey) -> None:
    unknown = model.with_options(model="prod-7", provider="ollama")
    with pytest.raises(ValueError, match="profile"):
        SummarizationMiddleware(unknown, trigger=("fraction", 0.5))
