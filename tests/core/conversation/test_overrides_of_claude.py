"""``override_params`` of a Claude beside the request: what it refuses of both, and what stays for a condition."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.conversation.overrides import fit_to_claude, in_our_words, said_of
from portkey_gateway.targets import ConfigTarget
from tests.core.warned import warned

SONNET, OPUS = "claude-sonnet-4-5", "claude-opus-4-7"
BUDGET = {"type": "enabled", "budget_tokens": 2000}
OF = "override_params of config.targets[1]: "


def target(model: str = SONNET, **override: Any) -> ConfigTarget:
    return ConfigTarget("config.targets[1]", "anthropic", model, override)


def fit(
    own: dict[str, Any],
    asked: dict[str, Any] | None = None,
    limit: int | None = 9000,
    model: str = SONNET,
    kept: frozenset[str] = frozenset(),
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """What the target is told, what is left of the request, and all that is warned of."""
    body = {**(asked or {})}
    with warned() as texts:
        told = fit_to_claude({**own}, body, limit, target(model), kept)
    return told, body, texts


# --- a limit that cannot hold the budget ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "asked", "limit", "is_off"),
    [
        ({"max_tokens": 2001}, {"thinking": BUDGET}, 9000, False),
        ({"max_tokens": 2000}, {"thinking": BUDGET}, 9000, True),
        ({"max_tokens": 1}, {"thinking": BUDGET}, None, True),
        ({"thinking": BUDGET}, {}, 2001, False),
        ({"thinking": BUDGET}, {}, 2000, True),
        ({"thinking": BUDGET}, {}, None, False),
        # Who says neither is told nothing of it: it is the request's own matter.
        ({}, {"thinking": BUDGET}, 500, False),
        ({"max_tokens": 1}, {"thinking": {"type": "disabled"}}, 9000, False),
        ({"max_tokens": 1}, {}, 9000, False),
    ],
)
def test_thinking_is_switched_off_where_the_limit_is_no_more_than_its_budget(
    own: dict[str, Any], asked: dict[str, Any], limit: int | None, *, is_off: bool
) -> None:
    told, body, texts = fit(own, asked, limit)
    assert body == asked
    most = own.get("max_tokens", limit)
    if is_off:
        assert told == {**own, "thinking": {"type": "disabled"}}
        assert texts == [f"{OF}thinking is switched off: max_tokens {most} cannot hold its budget_tokens 2000"]
    else:
        assert told == {**own, **({} if most else {"max_tokens": 64_000})}
        assert texts == []


# --- what it refuses ------------------------------------------------------------------------------------------------


def test_its_own_is_left_out_there_and_the_request_s_for_all() -> None:
    text = f"{OF}temperature is left out: claude-opus-4-7 takes none"
    assert fit({"temperature": 0.5}, {"seed": 7}, model=OPUS) == ({}, {"seed": 7}, [text])
    assert fit({}, {"temperature": 0.5, "seed": 7}, model=OPUS) == ({}, {"seed": 7}, [text])
    assert fit({"temperature": 0.5}, {"temperature": 0.3}, model=OPUS) == ({}, {}, [text, text])


def test_what_is_said_otherwise_is_said_to_it_alone() -> None:
    text = (
        f"{OF}thinking is sent as {{'type': 'adaptive'}}: claude-opus-4-7 takes no budget_tokens; say how much to "
        "think with reasoning_effort"
    )
    adaptive = {"thinking": {"type": "adaptive"}}
    assert fit({}, {"thinking": BUDGET}, model=OPUS) == (adaptive, {"thinking": BUDGET}, [text])
    assert fit({"thinking": BUDGET}, model=OPUS) == (adaptive, {}, [text])


@pytest.mark.parametrize(
    ("name", "value", "as_if_unsaid"),
    [("temperature", 0.5, 1), ("top_p", 0.5, 1), ("thinking", {"type": "adaptive"}, {"type": "disabled"})],
)
def test_what_a_condition_reads_stays_and_it_is_told_what_is_as_if_unsaid(
    name: str, value: Any, as_if_unsaid: Any
) -> None:
    model = SONNET if name == "thinking" else OPUS
    told, body, texts = fit({}, {name: value}, model=model, kept=frozenset({name}))
    assert told == {name: as_if_unsaid}
    assert body == {name: value}
    [text] = texts
    assert text.startswith(f"{OF}{name} is left out: ")


def test_for_what_has_no_such_word_the_request_has_to_do_without() -> None:
    text = f"{OF}top_k is left out: claude-opus-4-7 takes none"
    assert fit({}, {"top_k": 3}, model=OPUS, kept=frozenset({"top_k"})) == ({}, {}, [text])


def test_nor_is_there_one_for_top_p_beside_a_temperature() -> None:
    text = f"{OF}top_p is left out: claude-sonnet-4-5 takes temperature or top_p, not both"
    kept = frozenset({"top_p"})
    assert fit({"temperature": 0.5}, {"top_p": 0.5}, kept=kept) == ({"temperature": 0.5}, {}, [text])


@pytest.mark.parametrize(
    ("own", "asked", "limit", "told"),
    [
        ({}, {}, None, {"max_tokens": 64_000}),
        ({}, {"max_tokens": 64_000}, None, {}),  # it stands there already
        ({}, {"max_tokens": 4096}, None, {"max_tokens": 64_000}),
        ({"max_tokens": 7}, {}, None, {"max_tokens": 7}),
        ({}, {}, 50, {}),
    ],
)
def test_it_gets_the_limit_that_it_needs(own: Any, asked: Any, limit: int | None, told: Any) -> None:
    assert fit(own, asked, limit) == (told, asked, [])


# --- our own words --------------------------------------------------------------------------------------------------


def test_a_warning_names_its_place() -> None:
    assert said_of(target()) == OF


@pytest.mark.parametrize(
    ("override", "has_tools", "own"),
    [
        ({"max_completion_tokens": 7, "seed": 1}, False, {"max_tokens": 7, "seed": 1}),
        ({"tool_choice": "auto", "parallel_tool_calls": False}, False, {}),
        ({"tool_choice": "any", "parallel_tool_calls": False}, True,
         {"tool_choice": "required", "parallel_tool_calls": False}),
        ({"tool_choice": "any", "tools": []}, False, {"tool_choice": "required", "tools": []}),
    ],
)  # fmt: skip
def test_they_are_said_in_our_words(override: dict[str, Any], own: dict[str, Any], *, has_tools: bool) -> None:
    with warned() as texts:
        assert in_our_words(target(**override), has_tools=has_tools) == own
    assert texts == []


@pytest.mark.parametrize("stream", [True, False])
def test_whether_to_stream_is_each_call_s_own_matter(*, stream: bool) -> None:
    with warned() as texts:
        assert in_our_words(target(stream=stream, seed=1), has_tools=False) == {"seed": 1}
    assert texts == [f"{OF}stream is left out: each call says by itself whether its answer is streamed"]
