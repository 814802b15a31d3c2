"""What is made of options is made once, and anew when one of them changes, however that is done."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from portkey_gateway.kept import Kept
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey

OPTIONS: dict[str, Any] = {
    "model": "claude-sonnet-4-5", "base_url": "http://127.0.0.1:9/v1", "provider": "anthropic", "max_retries": 0,
}  # fmt: skip
any_model = pytest.mark.parametrize("make", [ChatPortkey, Portkey])


def headers(model: Any) -> dict[str, str]:
    return dict(model.gateway_client()._calls.headers)


def test_it_is_made_once() -> None:
    kept: Kept[object] = Kept()
    fields = {"a": 1, "b": {"c": 2}, "other": 3}

    first = kept.get(fields, ("a", "b"), object)

    assert kept.get(fields, ("a", "b"), object) is first
    assert kept.get({**fields, "other": 4}, ("a", "b"), object) is first
    assert kept.get({**fields, "a": 2}, ("a", "b"), object) is not first


def test_what_is_changed_in_place_is_seen() -> None:
    kept: Kept[object] = Kept()
    fields: dict[str, Any] = {"b": {"c": [2]}}
    first = kept.get(fields, ("b",), object)

    fields["b"]["c"].append(3)

    assert kept.get(fields, ("b",), object) is not first


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda kept: pickle.loads(pickle.dumps(kept))])
def test_a_copy_makes_its_own(duplicate: Any) -> None:
    kept: Kept[object] = Kept()
    first = kept.get({"a": 1}, ("a",), object)
    copied = duplicate(kept)

    assert copied == kept
    assert hash(copied) == hash(kept)
    assert copied.get({"a": 1}, ("a",), object) is not first


@any_model
def test_a_model_renders_its_options_once(make: Any) -> None:
    model = make(**OPTIONS)

    assert model.rendered_options() is model.rendered_options()
    assert model.route() is model.route()
    assert model._rendered == make(**OPTIONS)._rendered


@any_model
def test_an_option_that_is_set_later_holds_for_the_next_call(make: Any) -> None:
    model = make(**OPTIONS, default_headers={"x-team": "a"}, config={"retry": {"attempts": 1}})
    assert headers(model)["x-team"] == "a"
    assert model.route().api_format == "messages"

    model.default_headers["x-team"] = "b"
    model.config["retry"]["attempts"] = 5
    model.provider_api_key = "sk-ant-later-secret"
    model.cache_namespace = "later"

    told = headers(model)
    assert (told["x-team"], told["x-portkey-cache-namespace"]) == ("b", "later")
    assert '"attempts":5' in told["x-portkey-config"]
    assert told["authorization"] == "Bearer sk-ant-later-secret"
    assert "sk-ant-later-secret" in model.rendered_options().secrets

    model.model, model.provider = "gpt-5", "openai"
    assert model.route().api_format == "chat_completions"


@any_model
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda model: model.model_copy()])
def test_copies_of_a_model_go_their_own_ways(make: Any, duplicate: Any) -> None:
    model = make(**OPTIONS)
    model.route()
    copied = duplicate(model)

    copied.provider, copied.model = "openai", "gpt-5"

    assert headers(copied)["x-portkey-provider"] == "openai"
    assert headers(model)["x-portkey-provider"] == "anthropic"
    assert (copied.route().is_claude, model.route().is_claude) == (False, True)
    assert "rendered" not in repr(model)
    assert "_rendered" not in model.model_dump()


@any_model
def test_facts_are_kept_with_the_options_they_are_made_of(make: Any) -> None:
    model = make(**OPTIONS)
    first = model.facts()

    assert model.facts() is first
    assert model.facts(model.model) is first
    assert first.family == "claude"
    model.model = "gpt-5"
    model.provider = "openai"
    assert model.facts().family == "openai"
    assert copy.copy(model).facts() == model.facts()
    assert pickle.loads(pickle.dumps(model)).facts() == model.facts()
    assert model.facts("claude-sonnet-4-5").family == "claude"


@any_model
def test_an_object_without_a_place_for_it_makes_it_each_time(make: Any) -> None:
    """As one has been pickled by a version that kept less."""
    model, whole = make(**OPTIONS), make(**OPTIONS)
    state = model.__getstate__()
    loaded: Any = make.__new__(make)
    loaded.__setstate__({**state, "__pydantic_private__": {}})

    assert headers(loaded) == headers(whole)
    assert (loaded.route(), loaded.facts()) == (whole.route(), whole.facts())
    loaded.model = "claude-haiku-4-5"
    assert loaded.facts() == make(**{**OPTIONS, "model": "claude-haiku-4-5"}).facts()
