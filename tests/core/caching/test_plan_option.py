"""The option that plans cache breakpoints: as users give it, and on the way out."""

from __future__ import annotations

import json
import warnings
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from portkey_gateway import GatewayClient, GatewayOptions, PortkeyWarning, PromptCaching
from portkey_gateway.caching.plan import read_prompt_caching
from portkey_gateway.chat_completions.encode import encode_request
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.options import HOSTED_BASE_URL
from portkey_gateway.routing import Route
from tests.core.caching.told import ASKED, CALL, HOUR, LONG, RESULT, SHORT, SYSTEM, request, text, user
from tests.support.calls import Ask, any_call, is_streamed
from tests.support.recording import RecordingServer, answer, deltas, events, whole

CALLED: Any = {"role": "assistant", "content": "I look.", "tool_calls": [CALL]}

# --- the option -------------------------------------------------------------------------------------------------------


def test_the_option_as_users_give_it() -> None:
    assert read_prompt_caching(None) is None
    assert read_prompt_caching("auto") == "auto"
    assert read_prompt_caching(HOUR) is HOUR
    assert read_prompt_caching({"ttl": "1h"}) == HOUR


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("atuo", r"prompt_caching must be None, 'auto' or PromptCaching\(ttl='5m' or '1h', …\); got 'atuo'"),
        (True, "prompt_caching must be None, 'auto' or PromptCaching.*; got True"),
        ({"ttl": "2h"}, r"^prompt_caching\.ttl: Input should be '5m' or '1h'$"),
        ({"tttl": "1h"}, "prompt_caching: .*unknown option 'tttl': did you mean 'ttl'"),
        ({"tools": False, "system": False, "messages": False}, "prompt_caching: .*nothing is left to mark"),
    ],
)
def test_anything_else_is_an_error_that_names_the_field(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_prompt_caching(value)


def test_the_object_is_frozen_and_knows_its_names() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        HOUR.ttl = "5m"  # type: ignore[misc]
    wrong: Any = {"system_prompt": True}
    with pytest.raises(ValidationError, match="did you mean 'system'"):
        PromptCaching(**wrong)
    assert repr(HOUR) == "PromptCaching(ttl='1h', tools=True, system=True, messages=True)"


# --- on the way out ---------------------------------------------------------------------------------------------------


def encoded(body: ChatRequest, *, is_claude: bool = True, **options: Any) -> Any:
    return json.loads(encode_request(body, Route(is_claude=is_claude), **options).body)


def test_nothing_is_planned_unless_asked_for() -> None:
    assert encoded(request(SYSTEM, ASKED))["messages"] == [SYSTEM, ASKED]


def test_empty_texts_are_gone_before_marks_are_planned() -> None:
    sent = encoded(request(user(text("a"), text(" "))), prompt_caching="auto")
    assert sent["messages"] == [user(text("a", SHORT))]


def test_a_mark_for_the_whole_request_is_one_of_the_four() -> None:
    body: Any = {**request(SYSTEM, ASKED), "cache_control": {**SHORT, "ttl": "1h"}}
    sent = encoded(body, prompt_caching="auto")
    assert sent["messages"] == [
        {"role": "system", "content": [text("Be brief.", LONG)]},
        user(text("Hi", LONG)),
    ]


def test_other_models_get_nothing_and_only_what_was_asked_for_in_so_many_words_is_warned_of() -> None:
    body: ChatRequest = {"model": "gpt-5", "messages": [ASKED, RESULT]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert encoded(body, is_claude=False, prompt_caching="auto") == body
    with pytest.warns(PortkeyWarning, match="prompt_caching marks nothing for model 'gpt-5'"):
        assert encoded(body, is_claude=False, prompt_caching=HOUR) == body


@any_call
def test_a_client_plans_every_call(server: RecordingServer, ask: Ask) -> None:
    server.reply(events(*deltas("Hello.")) if is_streamed(ask) else whole(answer()))
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    ask(GatewayClient(options, max_retries=0, prompt_caching="auto"))
    [sent] = server.requests
    assert sent.json["messages"][-1]["content"][-1]["cache_control"] == SHORT


def test_a_client_refuses_an_option_that_is_none() -> None:
    wrong: Any = "always"
    with pytest.raises(ValueError, match="prompt_caching must be None, 'auto' or PromptCaching"):
        GatewayClient(GatewayOptions(base_url="http://localhost:8787/v1"), prompt_caching=wrong)


@pytest.mark.parametrize(
    ("base_url", "expected"), [(HOSTED_BASE_URL, LONG), ("http://localhost:8787/v1", SHORT)], ids=["hosted", "own"]
)
def test_over_chat_completions_only_the_hosted_gateway_is_trusted_with_an_hour_after_a_tool(
    base_url: str, expected: Any
) -> None:
    sent: list[Any] = []

    def reply(asked: httpx.Request) -> httpx.Response:
        sent.append(json.loads(asked.content))
        return httpx.Response(200, json=answer())

    with httpx.Client(transport=httpx.MockTransport(reply)) as http_client:
        options = GatewayOptions(base_url=base_url, api_key="pk-test", api_format="chat_completions")
        GatewayClient(options, http_client=http_client, prompt_caching=HOUR).chat(
            request(SYSTEM, ASKED, CALLED, RESULT)
        )
    messages = sent[0]["messages"]
    assert messages[0]["content"][0]["cache_control"] == LONG
    assert messages[-1]["content"][0]["cache_control"] == expected
