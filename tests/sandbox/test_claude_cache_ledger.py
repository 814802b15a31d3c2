"""The accounts of the prompt cache, by Anthropic's rules."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude.cache_ledger import CacheLedger, InputUsage
from portkey_gateway.sandbox.claude.tokens import count_tokens

KEY = "sk-ant-test"
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


class Clock:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> CacheLedger:
    return CacheLedger(clock)


def text(size: int, mark: dict[str, str] | None = None, letter: str = "a") -> dict[str, Any]:
    """Return a text block of `size` tokens."""
    block: dict[str, Any] = {"type": "text", "text": letter * 4 * size}
    return block | {"cache_control": mark} if mark else block


def body(*content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": list(content)}], **more}


def total(usage: InputUsage) -> int:
    return usage.input_tokens + usage.read_tokens + usage.write_5m_tokens + usage.write_1h_tokens


def test_without_a_mark_nothing_is_cached(ledger: CacheLedger) -> None:
    request = body(text(5000))
    assert ledger.account(KEY, request) == ledger.account(KEY, request) == InputUsage(count_tokens(request))


def test_the_first_request_writes_and_the_second_reads(ledger: CacheLedger) -> None:
    request = body(text(10), system=[text(2000, MARK)])
    assert ledger.account(KEY, request) == InputUsage(13, write_5m_tokens=2000)
    assert ledger.account(KEY, request) == InputUsage(13, read_tokens=2000)


def test_what_follows_the_last_mark_is_plain_input_and_may_change(ledger: CacheLedger) -> None:
    ledger.account(KEY, body(text(10), system=[text(2000, MARK)]))
    usage = ledger.account(KEY, body(text(77, letter="b"), system=[text(2000, MARK)]))
    assert usage == InputUsage(80, read_tokens=2000)


@pytest.mark.parametrize(
    ("model", "size", "written"),
    [
        ("claude-sonnet-4-6", 1023, 0),
        ("claude-sonnet-4-6", 1024, 1024),
        ("claude-haiku-4-5", 2047, 0),
        ("claude-haiku-4-5", 2048, 2048),
    ],
)
def test_short_prefixes_are_not_cached(ledger: CacheLedger, model: str, size: int, written: int) -> None:
    request = body(text(1), system=[text(size, MARK)]) | {"model": model}
    assert ledger.account(KEY, request).write_5m_tokens == written
    assert ledger.account(KEY, request).read_tokens == written


def test_a_prefix_belongs_to_one_key_and_one_model(ledger: CacheLedger) -> None:
    request = body(text(1), system=[text(2000, MARK)])
    ledger.account(KEY, request)
    assert ledger.account("sk-ant-other", request).read_tokens == 0
    assert ledger.account(KEY, request | {"model": "claude-opus-4-6"}).read_tokens == 0


def test_tools_come_before_system_and_messages(ledger: CacheLedger) -> None:
    tool = {"name": "f", "description": "d" * 8000, "input_schema": {"type": "object"}}
    marked = tool | {"cache_control": MARK}
    first = ledger.account(KEY, body(text(1), system=[text(2000, MARK)], tools=[marked]))
    other_system = ledger.account(KEY, body(text(1), system=[text(2000, MARK, "b")], tools=[marked]))
    assert other_system.read_tokens == first.write_5m_tokens - 2000
    other_tool = ledger.account(KEY, body(text(1), system=[text(2000, MARK)], tools=[marked | {"name": "g"}]))
    assert other_tool.read_tokens == 0


def test_the_mark_may_move_on_with_the_conversation(ledger: CacheLedger) -> None:
    ledger.account(KEY, body(text(2000, MARK)))
    longer = body(text(2000), text(500, MARK))
    assert ledger.account(KEY, longer) == InputUsage(0, read_tokens=2003, write_5m_tokens=500)


@pytest.mark.parametrize(("between", "read"), [(20, 2003), (21, 0)])
def test_a_mark_looks_back_over_twenty_blocks(ledger: CacheLedger, between: int, read: int) -> None:
    ledger.account(KEY, body(text(2000, MARK)))
    blocks = [text(5) for _ in range(between - 1)]
    usage = ledger.account(KEY, body(text(2000), *blocks, text(5, MARK)))
    assert usage.read_tokens == read
    assert total(usage) == 2003 + 5 * between


def test_five_minutes_start_anew_with_each_read(ledger: CacheLedger, clock: Clock) -> None:
    request = body(text(2000, MARK))
    ledger.account(KEY, request)
    for clock.now in (299.0, 598.0):
        assert ledger.account(KEY, request).read_tokens == 2003
    clock.now += 300.0
    assert ledger.account(KEY, request).write_5m_tokens == 2003


def test_an_hour_lasts_an_hour(ledger: CacheLedger, clock: Clock) -> None:
    request = body(text(2000, HOUR))
    assert ledger.account(KEY, request) == InputUsage(0, write_1h_tokens=2003)
    clock.now = 3599.0
    assert ledger.account(KEY, request).read_tokens == 2003
    clock.now += 3600.0
    assert ledger.account(KEY, request).read_tokens == 0


def test_both_lifetimes_are_told_apart(ledger: CacheLedger, clock: Clock) -> None:
    request = body(text(1500, MARK), text(5), system=[text(2000, HOUR)])
    assert ledger.account(KEY, request) == InputUsage(5, write_5m_tokens=1503, write_1h_tokens=2000)
    clock.now = 301.0
    assert ledger.account(KEY, request) == InputUsage(5, read_tokens=2000, write_5m_tokens=1503)


@pytest.mark.parametrize(
    "change",
    [{"tool_choice": {"type": "any"}}, {"thinking": {"type": "enabled", "budget_tokens": 1024}}],
)
def test_tool_choice_and_thinking_are_part_of_the_messages(ledger: CacheLedger, change: dict[str, Any]) -> None:
    request = body(text(1500, MARK), system=[text(2000, MARK)])
    ledger.account(KEY, request)
    assert ledger.account(KEY, request | change).read_tokens == 2000


def test_a_mark_inside_a_tool_result_counts_for_the_result(ledger: CacheLedger) -> None:
    result = {"type": "tool_result", "tool_use_id": "abcd", "content": [text(2000, MARK)]}
    usage = ledger.account(KEY, body(result, text(9)))
    assert usage == InputUsage(9, write_5m_tokens=2004)


def test_a_mark_at_top_level_means_the_last_block(ledger: CacheLedger) -> None:
    request = body(text(2000), cache_control=MARK)
    assert ledger.account(KEY, request) == InputUsage(0, write_5m_tokens=2003)


def test_everything_can_be_forgotten(ledger: CacheLedger) -> None:
    request = body(text(2000, MARK))
    ledger.account(KEY, request)
    ledger.clear()
    assert ledger.account(KEY, request).read_tokens == 0
