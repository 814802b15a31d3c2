"""One conversation of every block that there is, stored between its turns: Claude receives what was written and said.

Over chat completions it holds what that format carries; the losses of ``docs/api-formats.md`` are left out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from portkey_gateway import PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, invoke, stream
from tests.langchain.test_stored_answers import as_checkpoint, as_constructor
from tests.support.all_of_claude import CODE_CALLS, TOOLS, WRITTEN

pytestmark = pytest.mark.filterwarnings("ignore:The function `load` is in beta")

Received = Callable[[], dict[str, Any]]


def events(model: ChatPortkey, messages: Any, /, **more: Any) -> AIMessage:
    """What LangChain puts together of its typed events."""
    answer = model.stream_events(messages, version="v3", **more).output
    assert isinstance(answer, AIMessage)
    return answer


@pytest.mark.parametrize("store", [as_constructor, as_checkpoint])
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("ask", [invoke, stream, events])
def test_claude_receives_it_field_by_field(
    model: ChatPortkey,
    sandbox: Sandbox,
    received: Received,
    api_format: str,
    *,
    ask: Ask,
    version: str,
    store: Callable[..., Any],
) -> None:
    model = model.model_copy(update={"output_version": version})
    turns, asked, expected = WRITTEN[api_format]
    history: list[BaseMessage] = []
    for shown, said, how in turns:
        sandbox.claude.reply_with(*said, **how)
        history.append(HumanMessage([*shown]))
        answer = ask(model, [store(message) for message in history], **asked)
        assert isinstance(answer, AIMessage)
        history.append(answer)
    ask(model, [*(store(message) for message in history), HumanMessage("So?")], **asked)
    got = received()["messages"]
    assert got[:-1] == expected
    assert got[-1] == {"role": "user", "content": "So?"}


@pytest.mark.parametrize("ask", [invoke, stream])
def test_the_arguments_of_a_call_that_code_made_arrive_or_their_loss_is_told(
    model: ChatPortkey, sandbox: Sandbox, api_format: str, ask: Ask
) -> None:
    """The gateway blanks them in streams of chat completions (1.15.2)."""
    sandbox.claude.reply_with(*CODE_CALLS)
    if is_lost := ask is stream and api_format == "chat_completions":
        with pytest.warns(PortkeyWarning, match="arguments of a call of 'look' were lost .* api_format='messages'"):
            answer = ask(model, "Hi", tools=TOOLS)
    else:
        answer = ask(model, "Hi", tools=TOOLS)
    assert [call["args"] for call in answer.tool_calls] == ([] if is_lost else [{"at": "place 4"}])
    # No tool is run on arguments that nobody knows; whoever looks at the call reads why.
    told = [(call["name"], str(call["args"])[:38]) for call in answer.invalid_tool_calls]
    assert told == ([("look", "(lost in the gateway's stream, as thos")] if is_lost else [])


@pytest.mark.parametrize("api_format", ["messages"])
@pytest.mark.parametrize("ask", [invoke, stream, events])
def test_a_block_of_a_kind_that_nobody_knows_goes_back_as_it_came(
    model: ChatPortkey, sandbox: Sandbox, ask: Ask
) -> None:
    new = {"type": "of_tomorrow", "of": {"a": [1]}}
    sandbox.claude.reply_with(new, "Hi")
    answer = ask(model, "Hi", thinking={"type": "adaptive"})
    payload = model._get_request_payload([HumanMessage("Hi"), answer, HumanMessage("And?")])
    assert payload["messages"][1]["content"] == [new, {"type": "text", "text": "Hi"}]
