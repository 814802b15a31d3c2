"""Usage of the Messages API: input includes what was cached, and nothing is counted twice."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.conversation.usage import Usage
from portkey_gateway.messages.usage import decode_usage
from portkey_gateway.messages.wire import WireUsage

COUNTS = st.integers(0, 100_000)


def decode(wire: dict[str, Any]) -> Usage:
    return decode_usage(cast("WireUsage", wire))


def test_every_figure_has_its_place() -> None:
    usage = decode(
        {
            "input_tokens": 21,
            "cache_read_input_tokens": 2048,
            "cache_creation_input_tokens": 1100,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 1000},
            "output_tokens": 57,
            "output_tokens_details": {"thinking_tokens": 40},
            "server_tool_use": {"web_search_requests": 1},
            "service_tier": "standard",
        }
    )
    assert usage == Usage(
        input_tokens=3169,
        output_tokens=57,
        cache_read_tokens=2048,
        cache_write_tokens=1100,
        cache_write_1h_tokens=1000,
        reasoning_tokens=40,
        web_searches=1,
    )
    assert (usage.uncached_tokens, usage.cache_write_5m_tokens) == (21, 100)
    assert usage.total_tokens == 3226


def test_nothing_but_nones_is_zero() -> None:
    names = WireUsage.__optional_keys__
    assert decode({}) == decode(dict.fromkeys(names)) == Usage()
    assert decode({"cache_creation": {"ephemeral_1h_input_tokens": None}}) == Usage()


@pytest.mark.parametrize("told", [{}, {"cache_creation_input_tokens": None}], ids=["absent", "none"])
def test_without_the_sum_of_what_was_written_its_parts_are_added(told: dict[str, None]) -> None:
    parts = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}
    usage = decode({"input_tokens": 1, "cache_creation": parts, **told})
    assert usage == Usage(input_tokens=8, cache_write_tokens=7, cache_write_1h_tokens=4)


def test_the_hour_s_part_is_never_more_than_all_that_was_written() -> None:
    # A stream's end tells the sum anew, its parts stand in the beginning only.
    parts = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 9}
    assert decode({"cache_creation_input_tokens": 0, "cache_creation": parts}) == Usage()


@given(fresh=COUNTS, read=COUNTS, minutes=COUNTS, hour=COUNTS, output=COUNTS)
def test_all_input_is_what_was_fresh_read_and_written(
    fresh: int, read: int, minutes: int, hour: int, output: int
) -> None:
    usage = decode(
        {
            "input_tokens": fresh,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": minutes + hour,
            "cache_creation": {"ephemeral_5m_input_tokens": minutes, "ephemeral_1h_input_tokens": hour},
            "output_tokens": output,
        }
    )
    assert usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens == fresh
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == (minutes + hour, hour)
    assert usage.total_tokens == fresh + read + minutes + hour + output


@pytest.mark.parametrize(
    "wire",
    [
        {"input_tokens": "7"},
        {"output_tokens": 1.5},
        {"cache_read_input_tokens": [1]},
        {"cache_creation_input_tokens": 2.5},
        {"cache_creation": {"ephemeral_1h_input_tokens": "1"}},
        {"cache_creation": {"ephemeral_5m_input_tokens": 0.5}},
        {"output_tokens_details": {"thinking_tokens": "3"}},
    ],
)
def test_what_is_no_whole_number_raises(wire: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        decode(wire)
