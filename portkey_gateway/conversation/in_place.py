"""Calls of an answer in their places among what was said: Anthropic wants an answer back in its own order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_core import from_json

CALL: Final = "function"
"""The type of a tool call of the conversation."""


def part_calls(said: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Part what was said into blocks and calls.

    Args:
        said: blocks and tool calls in the order in which they were said.

    Returns:
        The blocks, and the calls behind them. Where something was said behind a call, the calls stand among the blocks,
        in Anthropic's form; of a call whose arguments are no JSON object that cannot be.
    """
    calls = [each for each in said if each["type"] == CALL]
    blocks = [each for each in said if each["type"] != CALL]
    if [*said[: len(blocks)]] == blocks:
        return blocks, calls
    placed = [_as_block(each) if each["type"] == CALL else each for each in said]
    return ([each for each in placed if each], []) if all(placed) else (blocks, calls)


def _as_block(call: Mapping[str, Any]) -> dict[str, Any] | None:
    function = call["function"]
    try:
        arguments = from_json(function["arguments"] or "{}")
    except ValueError:
        return None
    if not isinstance(arguments, dict):
        return None
    rest = {name: value for name, value in call.items() if name != "function"}
    return {**rest, "type": "tool_use", "name": function["name"], "input": arguments}
