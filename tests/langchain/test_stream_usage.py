"""``stream_usage``: streams tell what they took unless that is not wanted, as ChatOpenAI's and ChatAnthropic's do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from portkey_langchain import ChatPortkey, PortkeyPrompt
from tests.langchain.ask import Ask, ainvoke, astream, invoke, stream

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

OFF: Any = {"stream_options": {"include_usage": False}}
ON: Any = {"stream_options": {"include_usage": True}}
streamed = pytest.mark.parametrize("ask", [stream, astream])
# Of the model, of the call, and whether usage is told: the call's own word wins, then OpenAI's, then the model's.
SAID = [
    ({}, {}, True),
    ({"stream_usage": True}, {}, True),
    ({"stream_usage": False}, {}, False),
    ({}, {"stream_usage": False}, False),
    ({"stream_usage": True}, {"stream_usage": False}, False),
    ({"stream_usage": False}, {"stream_usage": True}, True),
    ({"model_kwargs": ON}, OFF, False),
    ({"model_kwargs": OFF}, {}, False),
    ({"model_kwargs": OFF, "stream_usage": True}, {}, False),
    ({}, {**OFF, "stream_usage": True}, True),
]


@streamed
@pytest.mark.parametrize(("own", "given", "told"), SAID)
def test_openai_is_asked_for_usage_unless_it_is_not_wanted(
    both: Sandbox, ask: Ask, own: Any, given: Any, told: bool
) -> None:
    answer = ask(ChatPortkey(model="gpt-5", **both.options("openai"), **own), "Hi", **given)
    assert (answer.usage_metadata is not None) is told
    body: Any = both.openai.requests[-1].body
    assert body["stream_options"] == {"include_usage": told}
    assert "stream_usage" not in body


@streamed
@pytest.mark.parametrize(("own", "given", "told"), SAID)
def test_of_a_claude_it_is_left_out(model: ChatPortkey, ask: Ask, own: Any, given: Any, told: bool) -> None:
    answer = ask(model.with_options(**own), "Hi", **given)
    assert (answer.usage_metadata is not None) is told
    assert answer.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("ask", [invoke, ainvoke])
def test_whole_answers_tell_it_in_any_case(both: Sandbox, ask: Ask) -> None:
    answer = ask(ChatPortkey(model="gpt-5", stream_usage=False, **both.options("openai")), "Hi")
    assert answer.usage_metadata
    assert "stream_options" not in both.openai.requests[-1].body


@pytest.mark.parametrize("ask", [invoke, ainvoke])
def test_where_invoke_streams_it_counts(model: ChatPortkey, ask: Ask) -> None:
    assert ask(model.with_options(streaming=True, stream_usage=False), "Hi").usage_metadata is None


@streamed
@pytest.mark.parametrize("told", [True, False])
def test_a_prompts_completion_takes_it_too(library: Sandbox, ask: Ask, told: bool) -> None:
    completion = PortkeyPrompt("pp-support", max_retries=0, **library.account()).completion
    answer = ask(completion, {"company": "ACME", "mood": "kind", "question": "Where?"}, stream_usage=told)
    assert (answer.usage_metadata is not None) is told


def test_a_model_that_is_bound_to_it(model: ChatPortkey) -> None:
    told = [chunk.usage_metadata for chunk in model.bind(stream_usage=False).stream("Hi")]
    assert {*map(type, told)} == {type(None)}
