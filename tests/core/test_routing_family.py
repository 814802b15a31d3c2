"""The option `family`: whose model it is, where no name tells."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from portkey_gateway.model import GatewayModel
from portkey_gateway.options import HOSTED_BASE_URL
from tests.core.routes import ANTHROPIC, LOCAL, targets

DEPLOYMENT = "prod-7"


def model(**options: Any) -> GatewayModel:
    return GatewayModel(**{"model": DEPLOYMENT, "base_url": LOCAL, "provider": "azure-ai", **options})


def test_a_deployment_is_a_claude_where_it_is_told() -> None:
    assert not model().route().is_claude
    told = model(family="claude").route()
    assert told.is_claude
    assert told.claudes(DEPLOYMENT) == (DEPLOYMENT,)


def test_it_wins_over_the_name() -> None:
    assert not model(model="claude-like-7b", family="llama").route().is_claude
    assert model(family="gemini").route().is_gemini


def test_it_says_nothing_of_another_model_that_a_call_names() -> None:
    own = model(family="claude")

    assert not own.route("gpt-5").is_claude
    called, parameters = own.for_call({"model": "prod-8"})
    assert not called.route(parameters["model"]).is_claude
    called, parameters = own.for_call({"model": "prod-8", "family": "claude"})
    assert called.route(parameters.get("model")).is_claude


def test_it_says_nothing_of_targets_that_have_a_model_of_their_own() -> None:
    deployed = {"provider": "azure-ai"}
    config = targets(deployed, {**deployed, "override_params": {"model": "gpt-5"}})
    mixed = model(family="claude", provider=None, config=config).route()

    assert (mixed.is_mixed, mixed.is_claude, mixed.claude_models) == (True, True, (DEPLOYMENT,))


def test_the_format_is_chosen_by_it() -> None:
    hosted = {"base_url": HOSTED_BASE_URL, "api_key": "pk-test", "provider": "@azure"}

    assert model(**hosted).route().api_format == "chat_completions"
    assert model(**hosted, family="claude").route().api_format == "messages"
    assert model(provider=None, config=targets(ANTHROPIC), family="claude").route().api_format == "messages"


def test_a_family_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="family\n  Input should be 'claude', 'openai'"):
        model(family="clade")
