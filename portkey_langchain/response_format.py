"""``response_format`` with a JSON schema for Claude: asked for as a tool, answered as text.

LangChain's ``create_agent(response_format=…)`` asks newer Claudes for structured output of their own and expects JSON
as text. The gateway drops ``response_format`` on the way to Claude without a word, so the schema travels as a tool that
Claude has to call, and the arguments of that call become the text of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from portkey_gateway.answer import Answer, AnswerBlock, BlockDelta, Delta, ToolCallDelta

_DESCRIPTION: Final = "Give the final answer in this form, once everything needed for it is known."
_FORMAT: Final = "response_format"


class FormatTool:
    """Asks for the format of one call as a tool, and turns the call of that tool into text.

    Args:
        schema: ``json_schema`` of OpenAI's ``response_format``: ``{"name", "schema"}`` and perhaps ``"description"``.
    """

    __slots__ = ("_held", "_name", "_others", "_position", "_schema")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._name = str(schema.get("name") or _FORMAT)
        self._position: int | None = None
        self._held: list[BlockDelta] = []
        self._others: set[int] = set()

    @classmethod
    def wanted(cls, parameters: Mapping[str, Any]) -> FormatTool | None:
        """The format tool for the parameters of a call to Claude, or ``None`` if they ask for no schema."""
        asked = parameters.get(_FORMAT)
        if isinstance(asked, Mapping) and asked.get("type") == "json_schema":
            return cls(asked.get("json_schema") or {})
        return None

    def ask(self, parameters: Mapping[str, Any], *, may_force: bool) -> dict[str, Any]:
        """The parameters with the tool in the place of ``response_format``.

        Args:
            parameters: those of the call.
            may_force: whether some tool has to be called; Claude cannot be made to while it thinks.
        """
        rest = {name: value for name, value in parameters.items() if name != _FORMAT}
        function = {
            "name": self._name,
            "description": self._schema.get("description") or _DESCRIPTION,
            "parameters": self._schema.get("schema") or {"type": "object"},
        }
        tools = [*(rest.get("tools") or ()), {"type": "function", "function": function}]
        return {**rest, "tools": tools, "tool_choice": "required" if may_force else "auto"}

    def read(self, answer: Answer) -> Answer:
        """The answer with the call of the tool as its text."""
        called = [call for call in answer.tool_calls if call.name == self._name]
        if not called:
            return answer
        others = tuple(call for call in answer.tool_calls if call.name != self._name)
        text = AnswerBlock("text", called[0].arguments)
        # What Claude says beside the call would spoil the JSON.
        kept = tuple(block for block in answer.blocks if block.type != "text")
        reason = answer.stop_reason if others else "end_turn"
        return replace(answer, blocks=(*kept, text), tool_calls=others, stop_reason=reason)

    def read_delta(self, delta: Delta) -> Delta:
        """The delta with what it adds to the call of the tool as text; other text is held back until ``held_back``."""
        blocks = [block for block in delta.blocks if block.type != "text"]
        self._held.extend(block for block in delta.blocks if block.type == "text")
        self._others.update(block.position for block in blocks)
        others: list[ToolCallDelta] = []
        for call in delta.tool_calls:
            if call.name == self._name and self._position is None:
                self._position = call.position
            if call.position == self._position:
                blocks.append(BlockDelta(len(self._others), "text", call.arguments))
            elif call.name != self._name:
                others.append(call)
        return delta._replace(blocks=tuple(blocks), tool_calls=tuple(others))

    def held_back(self) -> Delta:
        """At the end of a stream: the text that was held back, if the tool was not called after all."""
        return Delta(blocks=tuple(self._held) if self._position is None else ())
