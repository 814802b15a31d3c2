"""What a Claude takes, read off its name; the emulated Claude reads the same by itself."""

from collections.abc import Callable
from typing import get_args

import pytest
from anthropic.types import ModelParam

from portkey_gateway.models import claude
from portkey_gateway.models.claude import Generation, generation
from portkey_gateway.models.facts import find_facts, most_output
from portkey_gateway.sandbox.claude import models as judge

NAMES: list[tuple[str, Generation]] = [
    ("claude-sonnet-4-5", (4, 5)),
    ("claude-sonnet-4-5-20250929", (4, 5)),
    ("claude-sonnet-4-20250514", (4, 0)),
    ("claude-sonnet-4-0", (4, 0)),
    ("claude-opus-4-1-20250805", (4, 1)),
    ("claude-opus-5", (5, 0)),
    ("claude-opus-5-latest", (5, 0)),
    ("claude-fable-5-1", (5, 1)),
    ("claude-haiku-5-5-20261007", (5, 5)),
    # The older ones, which name their generation first.
    ("claude-3-opus-20240229", (3, 0)),
    ("claude-3-5-sonnet-latest", (3, 5)),
    ("claude-3-7-sonnet-20250219", (3, 7)),
    ("claude-4-sonnet-20250514", (4, 0)),
    ("claude-2.1", (2, 1)),
    ("claude-instant-1.2", (1, 2)),
    # Catalogs and clouds.
    ("@anthropic/claude-sonnet-4-6", (4, 6)),
    ("@claude-3-for-all/claude-opus-4-8", (4, 8)),
    ("anthropic/claude-sonnet-4.6", (4, 6)),
    ("anthropic/claude-3.5-haiku:beta", (3, 5)),
    ("openrouter/anthropic/claude-opus-4.1:thinking", (4, 1)),
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", (4, 5)),
    ("anthropic.claude-opus-4-20250514-v1:0", (4, 0)),
    ("eu.anthropic.claude-3-5-sonnet-20241022-v2:0", (3, 5)),
    ("global.anthropic.claude-opus-4-6-v1", (4, 6)),
    ("anthropic.claude-opus-5-v1:0", (5, 0)),
    ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-5-5-v1:0", (5, 5)),
    ("claude-sonnet-4-5@20250929", (4, 5)),
    ("claude-sonnet-4@20250514", (4, 0)),
    ("claude-3-5-sonnet-v2@20241022", (3, 5)),
    ("Claude-Opus-4-5", (4, 5)),
    # What tells none.
    ("", (0, 0)),
    ("gpt-5", (0, 0)),
    ("anthropic.claude-v2:1", (0, 0)),
    ("claude-mythos-preview", (0, 0)),
    ("claude-of-tomorrow", (0, 0)),
    ("claude-20250514", (0, 0)),
]

OLD = [
    "claude-2.1",
    "claude-3-haiku-20240307",
    "claude-3-5-sonnet-20241022",
    "claude-3-5-haiku-latest",
    "claude-3-7-sonnet-20250219",
    "claude-sonnet-4-20250514",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-1-20250805",
]
# Of the kinds that the sources name, and of the generations that these have; those that come next, too.
PLAIN = sorted({*get_args(get_args(ModelParam)[0]), *OLD, "claude-opus-6", "claude-haiku-6", "claude-fable-6-1"})


@pytest.mark.parametrize(("model", "expected"), NAMES)
def test_the_generation_is_read_off_every_form_of_a_name(model: str, expected: Generation) -> None:
    assert generation(model) == expected


@pytest.mark.parametrize(
    "rule", ["takes_schemas", "takes_forced_choice", "samples_freely", "thinks_by_budget", "thinks_unasked"]
)
def test_the_emulated_claude_reads_its_sources_alike(rule: str) -> None:
    told, judged = getattr(claude, rule), getattr(judge, rule)

    assert {model: told(model) for model in PLAIN} == {model: judged(model) for model in PLAIN}


def test_the_most_of_an_answer_is_what_the_emulated_claude_allows() -> None:
    known = {model: most for model in PLAIN if (most := most_output(model))}

    assert len(known) > 20
    assert known == {model: judge.most_output_tokens(model) for model in known}
    assert {find_facts(model).max_input_tokens for model in known} == {200_000, 1_000_000}
    assert all(find_facts(model).max_input_tokens == judge.most_input_tokens(model) for model in known)


def test_so_it_does_for_effort() -> None:
    judged = {model: "xhigh" in judge.effort_levels(model) for model in PLAIN}

    assert {model: claude.has_every_effort(model) for model in PLAIN} == judged


@pytest.mark.parametrize(
    ("rule", "true_of", "false_of"),
    [
        (
            claude.takes_schemas,
            ["claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-fable-5", "claude-haiku-5-5"],
            ["claude-opus-4-0", "claude-sonnet-4-0", "claude-3-7-sonnet-latest", "claude-of-tomorrow"],
        ),
        (
            claude.takes_forced_choice,
            ["claude-opus-5", "claude-sonnet-5", "claude-fable-5", "claude-haiku-5-5", "claude-of-tomorrow"],
            ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-mythos-5-1", "claude-fable-5-2"],
        ),
        (
            claude.samples_freely,
            ["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5", "claude-of-tomorrow"],
            ["claude-opus-4-7", "claude-opus-4-8", "claude-sonnet-5", "claude-haiku-5-5", "claude-mythos-5"],
        ),
        (
            claude.thinks_by_budget,
            ["claude-opus-4-6", "claude-3-7-sonnet-latest", "claude-of-tomorrow"],
            ["claude-opus-4-7", "claude-fable-5"],
        ),
        (
            claude.thinks_unasked,
            ["claude-opus-5", "claude-haiku-5-5"],
            ["claude-opus-4-8", "claude-of-tomorrow"],
        ),
        (
            claude.has_every_effort,
            ["claude-opus-4-7", "claude-sonnet-5"],
            ["claude-opus-4-6", "claude-sonnet-4-6", "claude-of-tomorrow"],
        ),
    ],
)
@pytest.mark.parametrize(
    "form", ["{}", "@prod/{}", "@haiku-or-opus/{}", "us.anthropic.{}-v1:0", "{}@20260101", "anthropic/{}"]
)
def test_a_rule_holds_for_a_model_under_each_of_its_names(
    rule: Callable[[str], bool], true_of: list[str], false_of: list[str], form: str
) -> None:
    assert {model for model in [*true_of, *false_of] if rule(form.format(model))} == set(true_of)
