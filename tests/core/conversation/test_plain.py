"""A conversation of texts alone is seen to be one, and is sent as if each of its messages were looked at."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway import calls
from portkey_gateway.conversation.plain import Texts, beside_plain, seen
from portkey_gateway.errors import EncodingError
from portkey_gateway.routing import Route, find_route
from tests.core.encoded import HEADERS, chat_completions, encode, messages
from tests.core.routes import ANTHROPIC, own, targets

SAID: Any = {"role": "user", "content": "Hi"}
ANSWER: Any = {"role": "assistant", "content": "Ho"}
TOLD: Any = {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize("conversation", [[SAID], [TOLD, SAID, ANSWER, SAID], [{**TOLD, "role": "developer"}, SAID]])
def test_texts_are_seen(conversation: Any) -> None:
    found = seen(conversation)
    assert type(found) is Texts
    assert found == conversation
    assert seen(found) is found
    assert beside_plain(found) == []


OTHERS: list[Any] = [
    {"role": "tool", "content": "4", "tool_call_id": "c1"},
    {"role": "tool", "content": "4"},
    {"role": "user", "content": "Hi", "name": "Ann"},
    {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    {"role": "user", "content": None},
    {"role": "user", "text": "Hi"},
    {"role": "critic", "content": "Hi"},
    {"role": ["user"], "content": "Hi"},
    {"content": "Hi", "name": "Ann"},
    ["role", "content"],
    "Hi",
    None,
]  # fmt: skip


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_nothing_else_is(other: Any) -> None:
    conversation = [SAID, other]
    assert seen(conversation) is conversation


def test_of_an_empty_one_nothing_is_said() -> None:
    nothing: list[Any] = []
    assert seen(nothing) is nothing


def test_what_is_more_than_a_text_is_found() -> None:
    assert beside_plain([SAID, OTHERS[2], ANSWER, OTHERS[3]]) == [(1, OTHERS[2]), (3, OTHERS[3])]


FALLBACK = targets({"provider": "openai", "override_params": {"model": "gpt-5"}}, ANTHROPIC)
ROUTES = {
    "claude": chat_completions(),
    "others": chat_completions(is_claude=False),
    "messages": messages(),
    "hosted": messages("hosted"),
    "mixed": find_route(own(config=FALLBACK), "claude-sonnet-4-5"),
    "mistral": find_route(own(provider="mistral-ai"), "mistral-large-latest"),
    "perplexity": find_route(own(provider="perplexity-ai"), "sonar-pro"),
}
TEXTS = st.sampled_from(["", " ", "\n", "Hi", "Hi ", "Ä\u2003"])
ROLES = st.sampled_from(["system", "developer", "user", "assistant"])
CONVERSATIONS = st.lists(st.builds(lambda role, text: {"role": role, "content": text}, ROLES, TEXTS), max_size=6)
PARAMETERS = st.sampled_from(
    [{}, {"prompt_caching": "auto"}, {"cache_control": {"type": "ephemeral"}}, {"model": "claude-opus-4-8"},
     {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048}]
)  # fmt: skip


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@given(conversation=CONVERSATIONS, parameters=PARAMETERS)
def test_texts_are_sent_as_any_other_message(route: Route, conversation: Any, parameters: Any) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(calls, "seen", list)
        expected = outcome(route, conversation, parameters)
    assert outcome(route, conversation, parameters) == expected


def outcome(route: Route, conversation: Any, parameters: Any) -> Any:
    """What is sent and said of a conversation, or why it is not sent."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            sent: Any = encode(route, HEADERS, messages=conversation, **parameters)
        except EncodingError as error:
            sent = str(error)
    return sent, [str(each.message) for each in said]
