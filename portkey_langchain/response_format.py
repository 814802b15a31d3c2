"""``response_format`` with a JSON schema: in any form people write it, and for Claude perhaps asked for as a tool.

LangChain's ``create_agent(response_format=…)`` asks models for structured output of their own and expects JSON as text.
Where that does not bind a Claude (an old model, a schema beyond what binds, a gateway that drops it on the way), the
schema travels as a tool that Claude has to call, and the arguments of that call become the text of the answer. While
Claude thinks it cannot be made to call a tool, and the newest never: then it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_core.utils.function_calling import convert_to_openai_tool

from portkey_gateway.conversation.answer import Answer, AnswerBlock, AnswerToolCall, BlockDelta, Delta, ToolCallDelta
from portkey_gateway.conversation.request import SYSTEM_ROLES, Message
from portkey_gateway.conversation.response_format import as_response_format as of_the_core
from portkey_gateway.conversation.response_format import fitting_name, is_response_format, schema_in_words
from portkey_gateway.conversation.tool_choice import encode_tool_choice
from portkey_langchain.cut import CUT_MARK
from portkey_langchain.whole_schema import convert_tool

_DESCRIPTION: Final = "Give the final answer in this form, once everything needed for it is known."
_INSTRUCTION: Final = "Once everything needed is known, give the final answer by calling the tool {name}, not in words."
_FORMAT: Final = "response_format"


def with_response_format(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with ``response_format`` in OpenAI's form: also given as a class, or a schema alone."""
    asked = parameters.get(_FORMAT)
    if asked is None or is_response_format(asked):
        return parameters
    return {**parameters, _FORMAT: as_response_format(asked)}


def closed_if_strict(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with the schema of a strict ``response_format`` closed, as OpenAI's strict mode wants it.

    LangChain's agents hand it over as it is (``ProviderStrategy(…, strict=True)``), and ``ChatOpenAI`` closes it.
    """
    asked: Any = parameters.get(_FORMAT)
    named = asked.get("json_schema") if is_response_format(asked) else None
    if not named or named.get("strict") is not True or not isinstance(named.get("schema"), Mapping):
        return parameters
    schema = {"title": named.get("name") or _FORMAT, **named["schema"]}
    closed = convert_to_openai_tool(schema, strict=True)["function"]["parameters"]
    return {**parameters, _FORMAT: {**asked, "json_schema": {**named, "schema": closed}}}


def as_response_format(schema: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """OpenAI's ``response_format`` of a schema.

    Args:
        schema: a pydantic class, a TypedDict, a JSON schema, a tool dict, or what is in OpenAI's form already.
        strict: asks OpenAI to hold the model to the schema.
    """
    if is_response_format(schema) or (isinstance(schema, Mapping) and isinstance(schema.get("schema"), Mapping)):
        return dict(of_the_core(schema))
    if isinstance(schema, Mapping) and "title" not in schema and "properties" in schema:
        schema = {"title": _FORMAT, **schema}
    function = convert_tool(schema, strict=strict)["function"]
    named = {"name": fitting_name(function["name"]), "schema": function["parameters"]}
    if function.get("description"):
        named["description"] = function["description"]
    return {"type": "json_schema", "json_schema": named if strict is None else {**named, "strict": strict}}


class FormatTool:
    """Asks for the format of one call as a tool, and turns the call of that tool into text.

    Args:
        schema: ``json_schema`` of OpenAI's ``response_format``: ``{"name", "schema"}`` and perhaps ``"description"``.
    """

    __slots__ = ("_calls", "_held", "_is_empty", "_name", "_places", "_schema")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._name = str(schema.get("name") or _FORMAT)
        self._calls: list[int] = []
        self._is_empty = True
        self._held: list[BlockDelta] = []
        self._places: dict[int | str, int] = {}

    @classmethod
    def wanted(cls, parameters: Mapping[str, Any]) -> FormatTool | None:
        """The format tool for the parameters of a call to Claude, or ``None`` if they ask for no schema."""
        asked = parameters.get(_FORMAT)
        if isinstance(asked, Mapping) and asked.get("type") == "json_schema":
            return cls(asked.get("json_schema") or {})
        return None

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON schema of the answer."""
        return self._schema.get("schema") or {"type": "object"}

    def ask(self, parameters: Mapping[str, Any], *, may_force: bool) -> dict[str, Any]:
        """The parameters with the tool in the place of ``response_format``.

        A choice of one tool stands; where no tool may be called, this one is offered alone.

        Args:
            parameters: those of the call.
            may_force: whether some tool has to be called; Claude cannot be made to while it thinks.
        """
        # None, so that the model's own format does not go along.
        rest = {**parameters, _FORMAT: None}
        function = {
            "name": self._name,
            "description": self._schema.get("description") or _DESCRIPTION,
            "parameters": self.schema,
        }
        choice = encode_tool_choice(rest.get("tool_choice"))
        offered = () if choice == "none" else rest.get("tools") or ()
        if not isinstance(choice, dict):
            choice = "required" if may_force else "auto"
        return {**rest, "tools": [*offered, {"type": "function", "function": function}], "tool_choice": choice}

    def instruct(self, messages: list[Message]) -> list[Message]:
        """The messages with the wish for a call of the tool, where it cannot be forced."""
        return _told(messages, _INSTRUCTION.format(name=self._name))

    def in_words(self, messages: list[Message]) -> list[Message]:
        """The messages with the wish for an answer of the schema, where no tool is heard of."""
        return _told(messages, schema_in_words(self.schema))

    def read(self, answer: Answer) -> Answer:
        """The answer with the call of the tool as its text, behind all else."""
        called = [call for call in answer.tool_calls if call.name == self._name]
        # The text of the answer is another one now, and they stand behind it.
        others = tuple(replace(call, after=None) for call in answer.tool_calls if call.name != self._name)
        rest = tuple(block for block in answer.blocks if block.type != "text")
        # What Claude says beside the call would spoil the JSON.
        texts = [AnswerBlock("text", _json_text(call)) for call in called[:1]] or [
            block for block in answer.blocks if block.type == "text"
        ]
        has_ended = called and not others and answer.finish_reason == "tool_calls"
        reason = "end_turn" if has_ended else answer.stop_reason
        return replace(answer, blocks=(*rest, *texts), tool_calls=others, stop_reason=reason)

    def read_delta(self, delta: Delta) -> Delta:
        """The delta with what it adds to the call of the tool as text; other text is held back until ``last_delta``."""
        blocks = [self._placed(block) for block in delta.blocks if block.type != "text"]
        self._held.extend(block for block in delta.blocks if block.type == "text")
        others: list[ToolCallDelta] = []
        for call in delta.tool_calls:
            if call.name == self._name:
                self._calls.append(call.position)
            if call.position not in self._calls:
                others.append(call._replace(after=None))
            elif call.position == self._calls[0] and call.arguments:
                blocks.append(self._text(call.arguments))
        return delta._replace(blocks=tuple(blocks), tool_calls=tuple(others))

    def last_delta(self) -> Delta:
        """At the end of a stream: the text held back if the tool was not called, or ``{}`` if it got no input."""
        if not self._calls:
            return Delta(blocks=tuple(map(self._placed, self._held)))
        return Delta(blocks=(self._text("{}"),) if self._is_empty else ())

    def _text(self, arguments: str) -> BlockDelta:
        self._is_empty = False
        return self._placed(BlockDelta(0, "text", arguments), key=_FORMAT)

    def _placed(self, block: BlockDelta, key: str | None = None) -> BlockDelta:
        """The block at its place in what is handed on, where ``read`` puts it too."""
        place = self._places.setdefault(block.position if key is None else key, len(self._places))
        return block._replace(position=place)


def _told(messages: list[Message], wish: str) -> list[Message]:
    """The messages with a wish behind the system messages, so that a cached prompt before it stays as it was."""
    rest = (index for index, message in enumerate(messages) if message["role"] not in SYSTEM_ROLES)
    position = next(rest, len(messages))
    instruction: Message = {"role": "system", "content": wish}
    return [*messages[:position], instruction, *messages[position:]]


def _json_text(call: AnswerToolCall) -> str:
    """The arguments as text; those of a cut call must not be taken for JSON, not even for JSON that can be mended."""
    return call.arguments + CUT_MARK if call.is_cut else call.arguments
