"""The rules that tie tool results to tool uses.

Source: Anthropic's documentation, "How to implement tool use", "Handling tool use and tool result content blocks".
"""

import re
from itertools import takewhile
from typing import Final

from portkey_gateway.sandbox.claude.blocks import Located, Turn, Wire, turns_of
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.validate_tools import TOOL_NAME

_USES: Final = ("tool_use", "server_tool_use", "mcp_tool_use")
_TOOL_USE_ID = re.compile(r"[a-zA-Z0-9_-]+")


def validate_tool_use(body: Wire) -> None:
    """Check that each tool use is answered at once and each result answers a use.

    Consecutive messages of one role count as one, so parallel calls may be answered in several user messages.

    Raises:
        ClaudeError: An id or a name is malformed or used twice, a use has no result, or a result has no use.
    """
    turns = turns_of(body["messages"])
    _check_uses([located for turn in turns for located in turn.blocks if located.type in _USES])
    for turn, following in zip(turns, [*turns[1:], None], strict=True):
        if turn.role == "assistant":
            _check_answered(turn, following)
    for previous, turn in zip([None, *turns[:-1]], turns, strict=True):
        if turn.role == "user":
            _check_results(turn, previous)


def _check_uses(uses: list[Located]) -> None:
    for located in uses:
        if not _TOOL_USE_ID.fullmatch(located.block["id"]):
            raise invalid(f"{located.tagged_path}.id: String should match pattern '^{_TOOL_USE_ID.pattern}$'")
        if not TOOL_NAME.fullmatch(located.block["name"]):
            raise invalid(f"{located.tagged_path}.name: String should match pattern '^{TOOL_NAME.pattern}$'")
    ids = [located.block["id"] for located in uses]
    if len(ids) != len(set(ids)):
        raise invalid("messages: `tool_use` ids must be unique")


def _check_answered(turn: Turn, following: Turn | None) -> None:
    # Results stand first: one behind a text does not answer.
    leading = takewhile(_is_result, following.blocks if following else ())
    answered = {located.block["tool_use_id"] for located in leading}
    missing = [use_id for use_id in _use_ids(turn) if use_id not in answered]
    if missing:
        raise invalid(
            f"messages.{turn.last}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block "
            "in the next message."
        )


def _check_results(turn: Turn, previous: Turn | None) -> None:
    expected = _use_ids(previous) if previous else []
    seen = set()
    for located in filter(_is_result, turn.blocks):
        use_id = located.block["tool_use_id"]
        if use_id not in expected:
            raise invalid(
                f"{located.path}: unexpected `tool_use_id` found in `tool_result` blocks: {use_id}. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message."
            )
        if use_id in seen:
            raise invalid(
                f"{located.path}: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {use_id}"
            )
        seen.add(use_id)


def _use_ids(turn: Turn) -> list[str]:
    return [located.block["id"] for located in turn.blocks if located.type == "tool_use"]


def _is_result(located: Located) -> bool:
    return located.type == "tool_result"
