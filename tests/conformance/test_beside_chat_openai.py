"""``ChatPortkey`` beside ``ChatOpenAI``: texts, what is told of them, and errors."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

from portkey_gateway.sandbox import Fault, Sandbox
from tests.conformance.beside import Pair, check_fail_alike, check_says_as_much, once_each
from tests.langchain.ask import Ask, any_call


@any_call
def test_a_text(pair: Pair, ask: Ask) -> None:
    question = [SystemMessage("Be brief."), HumanMessage("Say exactly: Hello there.")]
    answer = check_says_as_much(pair.ask(lambda model: ask(model, question)))
    assert answer.content == "Hello there."
    assert answer.usage_metadata


@any_call
def test_a_limit_and_an_end(gpt_4o: Pair, ask: Ask) -> None:
    said = "Say exactly: one, two, three, four, five, six"
    cut = check_says_as_much(gpt_4o.ask(lambda model: ask(model, said, max_tokens=3)))
    assert cut.response_metadata["finish_reason"] == "length"
    ended = check_says_as_much(gpt_4o.ask(lambda model: ask(model, said, stop=["four"])))
    assert ended.content == "one, two, three, "


@any_call
def test_a_refusal(gpt_4o: Pair, ask: Ask) -> None:
    answer = check_says_as_much(gpt_4o.ask(lambda model: ask(model, "Hi"), refusal="I cannot help with that."))
    assert answer.additional_kwargs["refusal"] == "I cannot help with that."


@any_call
def test_how_likely_each_token_was(gpt_4o: Pair, ask: Ask) -> None:
    answer = check_says_as_much(
        gpt_4o.ask(lambda model: ask(model, "Say: Hello there.", logprobs=True, top_logprobs=2))
    )
    assert len(answer.response_metadata["logprobs"]["content"][0]["top_logprobs"]) == 2


@once_each
@pytest.mark.parametrize("tier", ["flex", "priority", "default"])
def test_a_tier_with_a_price_of_its_own(gpt_4o: Pair, ask: Ask, tier: str) -> None:
    answer = check_says_as_much(gpt_4o.ask(lambda model: ask(model, "Hi", service_tier=tier)))
    assert answer.response_metadata["service_tier"] == tier


@any_call
def test_predicted_tokens_that_were_taken_or_not(gpt_4o: Pair, ask: Ask) -> None:
    usage = {"completion_tokens_details": {"accepted_prediction_tokens": 3, "rejected_prediction_tokens": 1}}
    prediction = {"type": "content", "content": "Hello."}
    pair = gpt_4o.ask(lambda model: ask(model, "Hi", prediction=prediction), content="Hello.", usage=usage)
    answer = check_says_as_much(pair)
    details = answer.response_metadata["token_usage"]["completion_tokens_details"]
    assert (details["accepted_prediction_tokens"], details["rejected_prediction_tokens"]) == (3, 1)
    assert gpt_4o.sent["prediction"] == prediction


@once_each
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("gpt-4o", {"seed": 7, "user": "ann", "logit_bias": {"50256": -100}, "store": True, "metadata": None}),
        ("gpt-4o", {"presence_penalty": 0.5, "frequency_penalty": 0.5, "top_p": 0.3, "temperature": 0.1}),
        ("gpt-5", {"reasoning_effort": "high", "verbosity": "low", "store": False, "service_tier": "flex"}),
        ("gpt-5", {"prompt_cache_key": "a", "safety_identifier": "b", "max_completion_tokens": 900}),
    ],
)
def test_parameters_go_through(both: Sandbox, ask: Ask, name: str, asked: dict[str, Any]) -> None:
    pair = Pair(both, name)
    asked = {name: value for name, value in asked.items() if value is not None}
    check_says_as_much(pair.ask(lambda model: ask(model, "Hi", **asked)))
    assert pair.sent.items() >= asked.items()


@pytest.mark.parametrize("way", ["generate", "agenerate"])
async def test_further_choices_are_further_generations(gpt_4o: Pair, way: str) -> None:
    question = [[HumanMessage("Say exactly: Hello.")]]
    models = gpt_4o.ask(lambda model: model)
    results = [
        await model.agenerate(question, n=3) if way == "agenerate" else model.generate(question, n=3)
        for model in models
    ]
    theirs, ours = ([generation.message for generation in result.generations[0]] for result in results)
    check_says_as_much((theirs, ours))
    assert [message.content for message in ours] == ["Hello."] * 3


def test_a_stream_of_several_answers_is_refused(gpt_4o: Pair) -> None:
    """``ChatOpenAI`` mixes them up token by token."""
    mixed, _ = gpt_4o.ask(lambda model: model)
    assert "".join(chunk.text for chunk in mixed.stream("Say exactly: Hello.", n=2)) != "Hello."
    with pytest.raises(ValueError, match="n=2 asks for several answers, and a stream tells one"):
        gpt_4o.ask(lambda model: None if isinstance(model, ChatOpenAI) else list(model.stream("Hi", n=2)))


@once_each
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"model": "no-such-model"}, 404),
        ({"top_logprobs": 2}, 400),
        ({"reasoning_effort": "high"}, 400),
        ({"response_format": {"type": "json_object"}}, 400),
    ],
)
def test_what_openai_refuses(gpt_4o: Pair, ask: Ask, asked: dict[str, Any], status: int) -> None:
    def failure(model: Any) -> Exception | None:
        try:
            ask(model, "Hi", **asked)
        except Exception as error:  # noqa: BLE001 each has classes of its own
            return error
        return None

    check_fail_alike(gpt_4o.ask(failure), status)


@once_each
@pytest.mark.parametrize("status", [401, 403, 404, 408, 413, 422, 429, 500, 503])
def test_what_fails(both: Sandbox, ask: Ask, status: int) -> None:
    def failure(model: Any) -> Exception | None:
        both.openai.inject(Fault("status", status=status))
        try:
            ask(model, "Hi")
        except Exception as error:  # noqa: BLE001 each has classes of its own
            return error
        return None

    check_fail_alike(Pair(both, "gpt-4o").ask(failure), status)
