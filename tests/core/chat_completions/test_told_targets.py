"""What is told of a saved config's targets: whom a limit is for, and which words look wrong."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from pydantic import ValidationError

from portkey_gateway import GatewayOptions, PortkeyWarning
from portkey_gateway.conversation.claude import DEFAULT_MAX_TOKENS
from portkey_gateway.routing import find_route
from tests.core.encoded import HELLO, body, encode
from tests.core.routes import hosted

LIMITS = {"max_tokens", "max_completion_tokens"}


def told(*slugs: str) -> GatewayOptions:
    return hosted(config="pc-main-1a2b", config_targets=slugs)


def ask(*slugs: str, **asked: Any) -> tuple[dict[str, int], list[str]]:
    """The limits that are sent, and what is warned of."""
    options = told(*slugs)
    request: dict[str, Any] = {"model": "gpt-5", "max_tokens": None, "messages": [HELLO], **asked}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PortkeyWarning)
        sent = body(encode(find_route(options, request["model"]), options.render_headers(), **request))
    return {name: sent[name] for name in LIMITS & sent.keys()}, [str(each.message) for each in caught]


@pytest.mark.parametrize("slug", ["anthropic", "@anthropic-prod", "@team-Claude", "@eu/claude-sonnet-4-6"])
def test_a_claude_behind_a_saved_config_gets_a_limit(slug: str) -> None:
    assert ask("openai", slug) == ({"max_completion_tokens": DEFAULT_MAX_TOKENS}, [])
    assert ask("openai", slug, max_tokens=50) == ({"max_completion_tokens": 50}, [])


@pytest.mark.parametrize("slug", ["bedrock", "vertex-ai", "azure-ai", "@team-prod", "@bedrock-eu"])
def test_where_a_claude_may_answer_a_limit_is_asked_for(slug: str) -> None:
    limits, [said] = ask("openai", slug)
    assert limits == {}
    assert said.startswith(
        f"config_targets names {slug!r}, where a Claude may answer, which needs max_tokens: give one"
    )
    assert f"such as '{slug}/claude-sonnet-4-5'" in said
    assert ask("openai", slug, max_tokens=50) == ({"max_completion_tokens": 50}, [])
    assert ask("openai", slug, "anthropic") == ({"max_completion_tokens": DEFAULT_MAX_TOKENS}, [])


@pytest.mark.parametrize("slug", ["bedrock/claude-sonnet-4-5", "vertex-ai/anthropic.claude-haiku-4-5"])
def test_a_claude_is_told_by_the_name_of_its_model(slug: str) -> None:
    assert ask("openai", slug) == ({"max_completion_tokens": DEFAULT_MAX_TOKENS}, [])
    _, [said] = ask("openai", slug, seed=7)
    assert said.startswith("seed does not reach Claude")


@pytest.mark.parametrize("slug", ["bedrock/meta.llama3-70b-instruct-v1:0", "bedrock/us.amazon.nova", "@t/gpt-5"])
def test_so_is_a_model_that_is_no_claude(slug: str) -> None:
    assert ask("openai", slug) == ({}, [])


@pytest.mark.parametrize(
    "slugs",
    [("openai", "@openai-prod"), ("openai", "google", "groq"), ("@google-eu", "@gpt"), ("bedrock",), ("@team-prod",)],
)
def test_who_is_no_claude_gets_none_and_nothing_is_said(slugs: tuple[str, ...]) -> None:
    assert ask(*slugs) == ({}, [])


def test_what_a_claude_behind_a_slug_loses_is_named() -> None:
    _, [said] = ask("openai", "@anthropic-prod", seed=7)
    assert said.startswith("seed does not reach Claude")


@pytest.mark.parametrize(("slug", "meant"), [("opnai", "openai"), ("antropic", "anthropic"), ("mistral", "mistral-ai")])
def test_a_word_that_is_nearly_a_provider_is_questioned(slug: str, meant: str) -> None:
    _, [said] = ask("openai", slug)
    assert said == f"config_targets names {slug!r}, which is not known here: did you mean {meant!r}?"


@pytest.mark.parametrize("slug", ["nscale", "inference-net", "@opnai", "deepinfra", "sambanova"])
def test_a_provider_that_is_not_known_here_is_believed(slug: str) -> None:
    _, said = ask("openai", slug, max_tokens=5)
    assert said == []


@pytest.mark.parametrize("slug", ["", " ", "@"])
def test_an_empty_word_is_an_error(slug: str) -> None:
    with pytest.raises(ValidationError, match="config_targets holds an empty text: name providers"):
        told("openai", slug)


def test_a_limit_that_does_not_reach_cohere_is_told() -> None:
    limits, [said] = ask("openai", "cohere", max_tokens=50)
    assert limits == {"max_completion_tokens": 50}
    assert said.startswith("max_tokens does not reach Cohere: it is sent as max_completion_tokens")
    assert ask("cohere", max_tokens=50) == ({"max_tokens": 50}, [])
    assert ask("openai", "anthropic", "cohere") == ({"max_completion_tokens": DEFAULT_MAX_TOKENS}, [])
    known = json.dumps({"targets": [{"provider": "openai"}, {"provider": "cohere"}]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encode(find_route(hosted(config=known), "gpt-5"), hosted(config=known).render_headers(), max_tokens=50)
