"""The rules of system messages amid a conversation, and of the tools they add and remove.

Sources: Anthropic's documentation, "Mid-conversation system messages"; the order that users have published from its
answers; langchain-anthropic 1.7.10, `_previous_turn_allows_system`; the descriptions of
`BetaRequestToolAdditionBlockParam` and `BetaSystemMessageParam` in Anthropic's SDK.
"""

from typing import Final

from portkey_gateway.sandbox.claude.blocks import Turn, Wire, turns_of
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.models import takes_system_amid, takes_tool_changes
from portkey_gateway.sandbox.claude.validate_output import check_effort

_TOOL_CHANGES: Final = ("tool_addition", "tool_removal")


def validate_system(body: Wire) -> None:
    """Check the system messages of a conversation; most have none.

    Raises:
        ClaudeError: The model takes none, one stands in the wrong place, says nothing, or speaks of an unknown tool.
    """
    turns = turns_of(body["messages"])
    if all(turn.role != "system" for turn in turns):
        return
    if not takes_system_amid(body["model"]):
        raise invalid(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, '
            'not "system" as an input message role.'
        )
    for previous, turn, following in zip([None, *turns[:-1]], turns, [*turns[1:], None], strict=True):
        if turn.role == "system":
            _check_place(previous, turn, following)
    for index, message in enumerate(body["messages"]):
        if message["role"] == "system":
            _check_content(message, f"messages.{index}", body)
    _check_tool_changes(body, turns)


def _check_place(previous: Turn | None, turn: Turn, following: Turn | None) -> None:
    # After Claude it may speak only where Claude itself still waits, for a tool that Anthropic runs.
    after_server_tool = previous and previous.blocks and previous.blocks[-1].type.endswith("_tool_result")
    if previous is None or (previous.role != "user" and not after_server_tool):
        raise invalid(
            f"messages.{turn.first}: role 'system' must follow a 'user' message or an 'assistant' message that ends "
            "in a server tool result"
        )
    if following and following.role != "assistant":
        raise invalid(f"messages.{turn.first}: role 'system' must precede an 'assistant' message or end the array")


def _check_content(message: Wire, path: str, body: Wire) -> None:
    settings = message.get("output_config") or {}
    if not message.get("content") and not settings:
        raise invalid(f"{path}: system messages must have non-empty content")
    if settings.get("effort"):
        check_effort(settings["effort"], body)


def _check_tool_changes(body: Wire, turns: list[Turn]) -> None:
    known = {tool["name"] for tool in body.get("tools", ()) if "name" in tool}
    for located in (each for turn in turns for each in turn.blocks if each.type in _TOOL_CHANGES):
        if not takes_tool_changes(body["model"]):
            raise invalid(f"{located.path}: `{located.type}` blocks are not supported on this model")
        tool = located.block["tool"]
        if tool["type"] == "tool_definition":
            name = tool["definition"].get("name")
            if name in known:
                raise invalid(f"{located.tagged_path}.tool: tool '{name}' is already defined")
            known.add(name)
        elif tool["type"] == "tool_reference" and tool["name"] not in known:
            raise invalid(f"{located.tagged_path}.tool: Tool reference '{tool['name']}' has no tool definition")
