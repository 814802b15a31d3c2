"""What a model can do: by the table, of a Claude also by its generation; and what holds where several may answer."""

from __future__ import annotations

import re
from datetime import date

import pytest

from portkey_gateway.models import claude
from portkey_gateway.models.facts import UNKNOWN_WINDOW, common_facts, find_facts, most_output
from portkey_gateway.models.names import Family, family_of, spellings
from portkey_gateway.models.table import ABILITIES, Row, find_among, read_table
from portkey_gateway.sandbox.openai import models as judge


def test_a_model_of_openai_is_what_its_profile_says() -> None:
    facts = find_facts("gpt-5")

    assert (facts.takes_images, facts.takes_pdfs, facts.takes_audio, facts.takes_video) == (True, True, False, False)
    assert (facts.calls_tools, facts.takes_forced_choice, facts.takes_schemas) == (True, True, True)
    assert (facts.thinks, facts.takes_temperature) == (True, False)
    assert facts.effort_levels == ("minimal", "low", "medium", "high")
    assert (facts.thinks_adaptively, facts.thinks_by_budget) == (None, None)


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "claude-opus-4-5", "claude-opus-6", "claude-3-haiku"])
def test_a_claude_is_what_the_rules_of_its_generation_say(model: str) -> None:
    facts = find_facts(model)

    assert facts.takes_forced_choice == claude.takes_forced_choice(model)
    assert facts.takes_schemas == claude.takes_schemas(model)
    assert facts.takes_temperature == claude.samples_freely(model)
    assert facts.thinks_adaptively == claude.thinks_adaptively(model)
    assert facts.thinks_by_budget == claude.thinks_by_budget(model)
    assert facts.effort_levels == claude.effort_levels(model)


def test_a_claude_without_a_generation_says_nothing() -> None:
    assert find_facts("prod-7", family="claude") == find_facts("prod-8", "anthropic")
    assert find_facts("prod-7", family="claude").takes_forced_choice is None


@pytest.mark.parametrize(
    ("model", "family", "limit"),
    [("prod-7", None, UNKNOWN_WINDOW), ("claude-of-tomorrow", None, 200_000), ("gemini-9", None, 1_048_576),
     ("prod-7", "claude", 200_000), ("prod-7", "openai", 128_000), ("gpt-9", None, 128_000),
     ("llama-guard3", None, 8_192), ("mistral-of-tomorrow", None, UNKNOWN_WINDOW), ("deepseek-9", None, 64_000)],
)  # fmt: skip
def test_what_is_taken_for_the_window_of_a_model_that_nobody_knows(
    model: str, family: Family | None, limit: int
) -> None:
    facts = find_facts(model, family=family)
    assert (facts.context_window, facts.input_limit) == (None, limit)


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [("text-embedding-3-large", 3072), ("@p/text-embedding-ada-002", 1536), ("embed-english-v3.0", 1024),
     ("cohere.embed-english-v3", 1024), ("amazon.titan-embed-text-v2:0", 1024), ("amazon.titan-embed-text-v1", 1536),
     ("gemini-embedding-001", 3072), ("mistral-embed", 1024), ("cohere.embed-v4:0", 1536),
     ("us.cohere.embed-v4:0", 1536), ("amazon.titan-embed-g1-text-02", 1536), ("text-embedding-005", 768),
     ("gpt-5", None)],
)  # fmt: skip
def test_an_embedding_model_tells_how_long_its_vectors_are(model: str, dimensions: int | None) -> None:
    assert find_facts(model).dimensions == dimensions


def test_where_several_may_answer_the_least_counts() -> None:
    both = common_facts([find_facts("gpt-5"), find_facts("claude-haiku-4-5")])

    assert (both.family, both.context_window, both.max_input_tokens, both.max_output_tokens) == (
        None, 200_000, 200_000, 64_000,
    )  # fmt: skip
    assert (both.takes_images, both.takes_audio, both.calls_tools, both.takes_temperature) == (True, False, True, False)
    assert both.effort_levels == ()
    assert common_facts([find_facts("claude-opus-5-5"), find_facts("claude-opus-4-6")]).effort_levels == (
        "low", "medium", "high", "max",
    )  # fmt: skip


def test_one_that_nobody_knows_beside_others_leaves_their_limits() -> None:
    both = common_facts([find_facts("claude-haiku-4-5"), find_facts("prod-7")])
    assert (both.max_input_tokens, both.takes_images, both.family) == (200_000, None, None)


@pytest.mark.parametrize(("model", "most"), [("claude-opus-5-5", 128_000), ("prod-7", None), ("gpt-5", None)])
def test_the_most_of_an_answer_is_that_of_a_claude(model: str, most: int | None) -> None:
    assert most_output(model) == most


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_table_says_when_and_of_what_it_was_made() -> None:
    table = read_table()
    assert date.fromisoformat(table["made"]) >= date(2026, 11, 26)
    assert {"langchain-anthropic", "langchain-openai", "genai-prices"} < {each.split()[0] for each in table["sources"]}


def test_every_row_of_the_table_says_what_a_row_can() -> None:
    for name, row in read_table()["models"].items():
        assert row.keys() <= Row.__annotations__.keys(), name
        can, cannot = row.get("can", "").split(), row.get("cannot", "").split()
        assert {*can, *cannot} <= {*ABILITIES}, name
        assert not {*can} & {*cannot}, name
        assert row.get("window", row.get("input", 0)) >= row.get("input", 0), name


def test_of_a_window_so_much_is_kept_for_the_answer_as_it_may_have() -> None:
    parted = {name: row for name, row in read_table()["models"].items() if "window" in row}
    assert len(parted) > 30
    for name, row in parted.items():
        assert 0 < row.get("input", 0) + row.get("output", 0) <= row.get("window", 0), name


def test_of_openais_models_that_think_since_gpt_5_all_are_parted() -> None:
    rows = {name: row for name, row in read_table()["models"].items() if re.match(r"gpt-[5-9](?!.*image)", name)}
    whole = {name for name, row in rows.items() if "thinking" in row.get("can", "") and "window" not in row}
    assert {name for name in whole if "output" in rows[name]} == set()


@pytest.mark.parametrize(
    ("model", "levels"),
    [
        ("gpt-5", "minimal low medium high"), ("gpt-5.1", "none low medium high"), ("gpt-5-codex", "low medium high"),
        ("gpt-5-pro", "high"), ("gpt-5.1-codex", "low medium high"), ("gpt-5.1-codex-mini", "low medium high"),
        ("gpt-5.1-codex-max", "low medium high xhigh"), ("gpt-5.2-codex", "low medium high xhigh"),
        ("gpt-5.2-pro", "medium high xhigh"), ("gpt-5.4", "none low medium high xhigh"),
        ("gpt-5.4-pro", "medium high xhigh"), ("gpt-5-chat-latest", ""), ("gpt-5.2-chat-latest", "medium"),
        ("o3", "low medium high"), ("o1-pro", "low medium high"), ("o3-deep-research", "medium"), ("gpt-4.1", ""),
    ],
)  # fmt: skip
def test_levels_of_effort_are_those_that_openai_takes(model: str, levels: str) -> None:
    """As models.dev has them, ``providers/openai``."""
    assert find_facts(model).effort_levels == tuple(levels.split())


def test_every_row_is_found_by_its_own_name() -> None:
    rows = read_table()["models"]
    lost = [name for name, row in rows.items() if find_among(rows, name, is_claude=family_of(name) == "claude") != row]
    assert lost == []


def test_of_claudes_the_table_says_nothing_that_a_rule_says() -> None:
    ruled = {"choice", "schemas", "temperature"}
    claudes = {name: row for name, row in read_table()["models"].items() if family_of(name) == "claude"}
    assert claudes
    for name, row in claudes.items():
        assert claude.plain_name(name) == name
        assert not ruled & {*row.get("can", "").split(), *row.get("cannot", "").split()}, name
        assert "effort" not in row, name


def test_a_name_is_looked_up_from_the_exact_one_to_the_bare_one() -> None:
    assert spellings("@p/mistral.mistral-large-2407-v1:0") == (
        "mistral-large-2407-v1:0", "mistral-large-2407-v1", "mistral-large-2407", "mistral-large",
    )  # fmt: skip
    assert spellings("gpt-4o-latest") == ("gpt-4o-latest", "gpt-4o")
    assert spellings("gpt-oss:20b") == ("gpt-oss:20b", "gpt-oss-20b", "gpt-oss")
    assert spellings("llama3:8b-instruct-q4_K_M")[-1] == "llama3"
    assert spellings("us.deepseek.r1-v1:0") == ("deepseek-r1-v1:0", "deepseek-r1-v1", "deepseek-r1")


def test_the_emulated_openai_takes_the_levels_that_the_table_has() -> None:
    thinking = [model for model in judge.CHAT_MODELS if judge.reasons(model)]
    known = {model: levels for model in thinking if (levels := find_facts(model).effort_levels)}
    assert len(known) > 15
    assert known == {model: judge.efforts(model) for model in known}
