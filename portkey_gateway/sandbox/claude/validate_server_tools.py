"""The rules of what Anthropic runs itself: the order of its calls and results, MCP servers, containers.

Sources: Anthropic's documentation, "Server tools", "MCP connector", "Programmatic tool calling"; wording as the API's
users have published it; requests the API took, as langchain-anthropic 1.7.10 recorded them for its tests.
"""

import re
from itertools import takewhile
from typing import Final

from portkey_gateway.sandbox.claude.blocks import Located, Turn, Wire, turns_of
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.signatures import is_sealed

_SERVER_USE_ID: Final = re.compile(r"srvtoolu_[a-zA-Z0-9_]+")
_USES: Final = ("server_tool_use", "mcp_tool_use")
_CODE_EXECUTION: Final = "code_execution"


def validate_server_tools(body: Wire) -> None:
    """Check the calls of server tools that stand in the conversation, with their results.

    Raises:
        ClaudeError: A result has no call, a call no result though the conversation went on, a call made from code is
            answered without naming the container the code waits in, or what was found is not as it was given out.
    """
    turns = turns_of(body["messages"])
    _check_seals(turns)
    _check_container(body, turns)
    _check_order(turns)


def _check_order(turns: list[Turn]) -> None:
    """Follow Claude's turn: it goes on through client-side tool results, and ends where the user says something."""
    waiting: dict[str, Located] = {}
    for turn in turns:
        if turn.role == "assistant":
            for located in turn.blocks:
                _follow(located, waiting)
        elif turn.role == "user" and waiting and any(located.type != "tool_result" for located in turn.blocks):
            use = next(iter(waiting.values()))
            raise invalid(
                f"messages.{turn.first - 1}: `{use.block['name']}` tool use with id `{use.block['id']}` was found "
                f"without a corresponding `{_result_type(use)}` block"
            )


def _check_seals(turns: list[Turn]) -> None:
    """Check that pages and places in them are what a search gave out.

    That Anthropic refuses the former its users have published, with this wording. Of the places it is documented that
    they have to come back as they were; what it says of others is not known.
    """
    for located in (located for turn in turns for located in turn.blocks):
        if located.type == "web_search_tool_result" and isinstance(located.block["content"], list):
            if not all(is_sealed(page["encrypted_content"]) for page in located.block["content"]):
                raise invalid(f"{located.path}: Invalid `encrypted_content` in `search_result` block")
        elif located.type == "text":
            places = (cited for cited in located.block.get("citations") or () if "encrypted_index" in cited)
            if not all(is_sealed(place["encrypted_index"]) for place in places):
                raise invalid(f"{located.path}: Invalid `encrypted_index` in `citations`")


def _follow(located: Located, waiting: dict[str, Located]) -> None:
    block = located.block
    if located.type in _USES:
        if located.type == "server_tool_use" and not _SERVER_USE_ID.fullmatch(block["id"]):
            raise invalid(f"{located.tagged_path}.id: String should match pattern '^{_SERVER_USE_ID.pattern}$'")
        waiting[block["id"]] = located
    elif located.type.endswith("_tool_result"):
        use = waiting.pop(block["tool_use_id"], None)
        if use is None or _result_type(use) != located.type:
            kind = "mcp_tool_use" if located.type == "mcp_tool_result" else "server_tool_use"
            raise invalid(
                f"{located.path}: unexpected `tool_use_id` found in `{located.type}` blocks: {block['tool_use_id']}. "
                f"Each `{located.type}` block must have a corresponding `{kind}` block before it."
            )


def _result_type(use: Located) -> str:
    if use.type == "mcp_tool_use":
        return "mcp_tool_result"
    name = str(use.block["name"])
    # Both searches through tools, by pattern and by words, share one kind of result.
    return "tool_search_tool_result" if name.startswith("tool_search_tool") else f"{name}_tool_result"


def _check_container(body: Wire, turns: list[Turn]) -> None:
    """Check that code which waits for its calls is told where it waits, and nothing else."""
    if len(turns) < 2 or turns[-1].role != "user":  # noqa: PLR2004  # a call and its answer
        return
    *_, calls, answer = turns
    from_code = {
        located.block["id"]
        for located in calls.blocks
        if located.type == "tool_use" and _CODE_EXECUTION in (located.block.get("caller") or {}).get("type", "")
    }
    if not from_code:
        return
    results = list(takewhile(lambda located: located.type == "tool_result", answer.blocks))
    if len(results) < len(answer.blocks):
        raise invalid(
            f"{answer.blocks[len(results)].path}: only `tool_result` blocks are allowed while programmatic tool calls "
            "are pending"
        )
    container = body.get("container")
    if not (container.get("id") if isinstance(container, dict) else container):
        raise invalid(
            "container_id is required when there are pending tool uses generated by code execution with tools."
        )
