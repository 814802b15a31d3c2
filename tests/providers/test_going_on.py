"""Conversations of other classes, and ones that end with an answer, go on at any target, also where one is down."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from llama_index.core.base.llms.types import ChatMessage, MessageRole

from portkey_gateway import PortkeyWarning
from portkey_gateway.sandbox import Fault
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

CLAUDE: Final = "claude-sonnet-4-6"
Route = Callable[["Sandbox"], dict[str, Any]]


def _alone(provider: Any, model: str, **more: Any) -> Route:
    return lambda both: {"model": model, **both.options(provider), **more}


def _behind(first: Any, second: Any, model: str) -> Route:
    """A config whose first target is down."""

    def options(both: Sandbox) -> dict[str, Any]:
        (both.openai if first == "openai" else both.claude).inject(Fault("status", status=503))
        return {"model": model, "base_url": both.base_url, "config": both.config(first, second)}

    return options


ROUTES: dict[str, Route] = {
    "openai": _alone("openai", "gpt-5"),
    "messages": _alone("anthropic", CLAUDE, api_format="messages"),
    "chat completions": _alone("anthropic", CLAUDE, api_format="chat_completions"),
    "openai, down, then claude": _behind("openai", "anthropic", "gpt-5"),
    "claude, down, then openai": _behind("anthropic", "openai", CLAUDE),
}
any_route = pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
ENDS_SO: Final = [("human", "Hi"), ("ai", "I would say that")]
ANSWERED: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "langchain": lambda options: ChatPortkey(max_retries=0, **options).invoke(ENDS_SO).text,
    "langchain, streamed": lambda options: "".join(
        chunk.text for chunk in ChatPortkey(max_retries=0, **options).stream(ENDS_SO)
    ),
    "llamaindex": lambda options: (
        Portkey(max_retries=0, **options)
        .chat([ChatMessage("Hi"), ChatMessage(role="assistant", content="I would say that")])
        .message.content
    ),
}
any_framework = pytest.mark.parametrize("ask", ANSWERED.values(), ids=ANSWERED)


def quietly(call: Callable[[], Any]) -> tuple[Any, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PortkeyWarning)
        told = call()
    return told, [str(each.message) for each in caught]


def last_of(both: Sandbox) -> Any:
    requests = [*both.claude.requests, *both.openai.requests]
    return max((each for each in requests if each.status == 200), key=lambda each: each.time).body


@any_route
@any_framework
def test_one_that_ends_with_an_answer(both: Sandbox, route: Route, ask: Any) -> None:
    """OpenAI says more. A Claude that refuses it is asked by a user, and that is told."""
    options = route(both)
    said, told = quietly(lambda: ask(options))
    assert said
    goes_to_claude = "claude" in last_of(both)["model"]
    assert bool([each for each in told if "the conversation ends with an answer" in each]) == (
        goes_to_claude or "config" in options
    )


@any_framework
@pytest.mark.parametrize(
    ("model", "more", "stays"),
    [
        ("claude-sonnet-4-5", {}, True),
        ("claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4000}, False),
        ("claude-opus-4-7", {}, False),
    ],
)
@pytest.mark.parametrize("api_format", ["messages", "chat_completions"])
def test_a_claude_that_goes_on_within_an_answer_does(
    both: Sandbox, ask: Any, model: str, more: Any, *, stays: bool, api_format: str
) -> None:
    quietly(lambda: ask({"model": model, "api_format": api_format, **both.options("anthropic"), **more}))
    assert (both.claude.requests[-1].body["messages"][-1]["role"] == "assistant") is stays


@any_route
def test_names_of_two_words(both: Sandbox, route: Route) -> None:
    """OpenAI refuses white space in them; Claude takes none at all."""
    model = ChatPortkey(max_retries=0, **route(both))
    said = [HumanMessage("Hi", name="Ann M\u00fcller <a/b>"), AIMessage("Yes?", name="b 1"), HumanMessage("x")]
    quietly(lambda: model.invoke(said))
    names = [message.get("name") for message in last_of(both)["messages"]]
    assert names[0] in {"Ann_M\u00fcller_a_b_", None}


@any_route
def test_cache_points_of_bedrock_s_class_in_langchain(both: Sandbox, route: Route) -> None:
    point = {"cachePoint": {"type": "default"}}
    system, human = SystemMessage([{"text": "Be brief."}, point]), HumanMessage([{"type": "text", "text": "Hi"}, point])
    options = route(both)
    answer, _ = quietly(lambda: ChatPortkey(max_retries=0, **options).invoke([system, human]))
    assert answer.text
    body = last_of(both)
    assert ("cache_control" in str(body)) == ("claude" in body["model"] and "config" not in options)


def _converse() -> list[ChatMessage]:
    """As llama-index-llms-bedrock-converse keeps calls."""
    call = {"toolUseId": "tooluse_1", "name": "get_weather", "input": {"city": "Paris"}}
    return [
        ChatMessage("What is the weather?"),
        ChatMessage(role="assistant", content="Let me look.", additional_kwargs={"tool_calls": [call]}),
        ChatMessage(
            role="tool", content="Sunny.", additional_kwargs={"tool_call_id": "tooluse_1", "status": "success"}
        ),
        ChatMessage("Thanks."),
    ]


def _functions() -> list[ChatMessage]:
    """As calls were kept before tools had ids."""
    call = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    return [
        ChatMessage("What is the weather?"),
        ChatMessage(role="assistant", content=None, additional_kwargs={"function_call": call}),
        ChatMessage(role=MessageRole.FUNCTION, content="Sunny.", additional_kwargs={"name": "get_weather"}),
        ChatMessage("Thanks."),
    ]


@any_route
@pytest.mark.parametrize("history", [_converse, _functions])
def test_calls_of_other_classes_of_llamaindex(both: Sandbox, route: Route, history: Any) -> None:
    llm = Portkey(max_retries=0, **route(both))
    answer, told = quietly(lambda: llm.chat(history()))
    assert answer.message.content
    assert not told
    sent = str(last_of(both)["messages"])
    assert "Sunny." in sent
    assert sent.count("get_weather") == 1
