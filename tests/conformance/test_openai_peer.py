"""How langchain-openai's own tests are run on ours, and what is said of how they end."""

from __future__ import annotations

from portkey_langchain import ChatPortkey
from tests.conformance.openai_peer.expected import KNOWN, judge
from tests.conformance.openai_peer.run import Outcome, construct

PASSED: Outcome = {"passed": True, "reason": ""}
FAILED: Outcome = {"passed": False, "reason": "no"}


def test_what_fails_for_both_is_told_apart_from_what_fails_for_ours() -> None:
    theirs = {"a": PASSED, "b": FAILED, "c": PASSED, "d": PASSED}
    ours = {"a": PASSED, "b": FAILED, "c": FAILED, "d": FAILED}
    found = judge(theirs, ours, {"c": "why", "a": "mended"})
    assert (found.theirs, found.ours) == (3, 1)
    assert (found.both, found.known, found.unknown, found.mended) == (("b",), ("c",), ("d",), ("a",))


def test_every_known_failure_has_its_reason() -> None:
    assert all(len(why) > 20 for why in KNOWN.values())


def test_what_their_tests_write_is_ours() -> None:
    route = {"base_url": "http://127.0.0.1:1/v1", "provider": "openai", "provider_api_key": "sk"}
    given = {"model_name": "gpt-5", "max_completion_tokens": 9, "openai_proxy": None, "n": 2, "base_url": "https://a.b"}
    made = construct({**given, "model_kwargs": {"seed": 1}}, route)
    assert type(made) is ChatPortkey
    assert (made.model, made.max_tokens, made.base_url) == ("gpt-5", 9, "http://127.0.0.1:1/v1")
    assert made.model_kwargs == {"seed": 1, "n": 2}


def test_a_model_without_a_name_is_theirs_by_default() -> None:
    assert construct({}, {"provider": "openai", "api_key": "pk"}).model == "gpt-3.5-turbo"
