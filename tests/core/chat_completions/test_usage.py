"""Usage: whatever shape the gateway sends, the same figures come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.chat_completions.usage import decode_usage
from portkey_gateway.chat_completions.wire import WireUsage
from portkey_gateway.conversation.usage import Usage

COUNTS = st.integers(0, 100_000)

OPEN_SOURCE: WireUsage = {
    "prompt_tokens": 21,
    "completion_tokens": 57,
    "total_tokens": 3226,
    "prompt_tokens_details": {"cached_tokens": 2048},
    "cache_read_input_tokens": 2048,
    "cache_creation_input_tokens": 1100,
}
HOSTED: WireUsage = {**OPEN_SOURCE, "prompt_tokens": 3169}
CLAUDE = Usage(input_tokens=3169, output_tokens=57, cache_read_tokens=2048, cache_write_tokens=1100)


def test_open_source_figures_leave_cached_tokens_out_of_the_prompt() -> None:
    assert decode_usage(OPEN_SOURCE) == CLAUDE


def test_hosted_figures_include_cached_tokens_in_the_prompt() -> None:
    assert decode_usage(HOSTED) == CLAUDE


def test_a_cached_answer_sent_as_a_stream_has_a_total_without_cached_tokens() -> None:
    # providers/openai/chatComplete.ts: total_tokens = prompt_tokens + completion_tokens
    assert decode_usage({**OPEN_SOURCE, "total_tokens": 78}) == CLAUDE


def test_total_is_input_and_output() -> None:
    assert CLAUDE.total_tokens == 3226


def test_openai_reasoning_is_part_of_the_output() -> None:
    usage = decode_usage(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 40},
        }
    )
    assert usage == Usage(input_tokens=100, output_tokens=50, cache_read_tokens=64, reasoning_tokens=40)


def test_gemini_leaves_reasoning_out_of_the_completion_but_not_of_the_total() -> None:
    # providers/google/chatComplete.ts: completion_tokens = candidatesTokenCount, total_tokens = totalTokenCount
    usage = decode_usage(
        {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "total_tokens": 150,
            "completion_tokens_details": {"reasoning_tokens": 40},
        }
    )
    assert usage == Usage(input_tokens=100, output_tokens=50, reasoning_tokens=40)


@pytest.mark.parametrize("absent", [{}, {"total_tokens": None}, {"total_tokens": 0}], ids=["absent", "none", "zero"])
def test_without_a_total_the_prompt_is_the_input(absent: dict[str, None]) -> None:
    wire = {"prompt_tokens": 7, "completion_tokens": 3, **absent}
    assert decode_usage(wire) == Usage(input_tokens=7, output_tokens=3)  # type: ignore[arg-type]  # what providers send


def test_nothing_but_nones_is_zero() -> None:
    wire = dict.fromkeys(
        ("prompt_tokens", "completion_tokens", "total_tokens", "cache_read_input_tokens", "prompt_tokens_details")
    )
    assert decode_usage(wire) == Usage()  # type: ignore[arg-type]  # what providers send


def test_a_total_smaller_than_the_output_gives_no_negative_input() -> None:
    assert decode_usage({"prompt_tokens": 4, "completion_tokens": 9, "total_tokens": 2}).input_tokens == 4


@given(fresh=COUNTS, read=COUNTS, write=COUNTS, output=COUNTS)
def test_both_conventions_mean_the_same(fresh: int, read: int, write: int, output: int) -> None:
    total = fresh + read + write + output
    wire: WireUsage = {
        "completion_tokens": output,
        "total_tokens": total,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": write,
    }
    hosted = decode_usage({**wire, "prompt_tokens": fresh + read + write})
    assert decode_usage({**wire, "prompt_tokens": fresh}) == hosted
    assert hosted.total_tokens == total
    assert hosted.input_tokens >= hosted.cache_read_tokens + hosted.cache_write_tokens
