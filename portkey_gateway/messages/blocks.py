"""Messages of a conversation → those of Anthropic's Messages API: pure, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from pydantic_core import from_json

from portkey_gateway.conversation.claude import as_said_before
from portkey_gateway.conversation.media import as_media, check_for_claude, with_data
from portkey_gateway.conversation.plain import Texts
from portkey_gateway.conversation.request import SYSTEM_ROLES, TOOL_CHANGES, ContentBlock, Message, ToolCall
from portkey_gateway.conversation.sound import as_text
from portkey_gateway.errors import ContentError, EncodingError
from portkey_gateway.models.claude import takes_system_amid

Block = dict[str, Any]

_USER_ROLES: Final = frozenset({"user", "tool"})
# Behind the last message, as if an answer came.
_END: Final[Message] = {"role": "assistant"}
_OPENAI_MEDIA: Final = frozenset({"image_url", "file"})
# A role and a content.
_PLAIN: Final = 2
_SIDES: Final = frozenset({"user", "assistant"})
_OF_OTHERS: Final = frozenset({"detail", "thought_signature"})
# OpenAI's, which Claude has no counterpart for.
_UNKNOWN_TO_CLAUDE: Final = frozenset({"input_audio", "audio", "video", "video_url", "refusal"})


def find_system_amid(messages: Sequence[Message], model: str) -> frozenset[int]:
    """Find the system messages that are sent where they stand: amid the conversation, if the model takes them there.

    They have to follow what a user or a tool said, and end the conversation or come before an answer (Anthropic,
    "System messages"). All others are said at the top.
    """
    if not takes_system_amid(model):
        return frozenset()
    found: set[int] = set()
    run: list[int] = []
    previous = ""
    for index, message in enumerate([*messages, _END]):
        if message["role"] in SYSTEM_ROLES:
            run.append(index)
            continue
        if run and previous in _USER_ROLES and message["role"] == "assistant":
            found.update(run)
        run, previous = [], message["role"]
    return frozenset(found)


def encode_system(messages: Iterable[Message], amid: frozenset[int] = frozenset()) -> list[Block]:
    """Gather the system and developer messages as the blocks of ``system``, but for those ``amid`` the conversation.

    Raises:
        ContentError: if one of them changes the tools: that has its meaning amid the conversation only.
    """
    if type(messages) is Texts:
        # Of a long conversation it is the beginning.
        start = _spoken_from(messages)
        messages = messages[:start] if SYSTEM_ROLES.isdisjoint(messages.roles[start:]) else messages
    return [
        _stated_at_the_top(block, f"messages[{index}]")
        for index, message in enumerate(messages)
        if message["role"] in SYSTEM_ROLES and index not in amid
        for block in _encode_content(message.get("content"), f"messages[{index}]")
    ]


def _spoken_from(said: Texts) -> int:
    """How many system messages a conversation begins with."""
    return next((index for index, role in enumerate(said.roles) if role not in SYSTEM_ROLES), len(said))


def _stated_at_the_top(block: Block, where: str) -> Block:
    if block["type"] in TOOL_CHANGES:
        raise ContentError(
            f"{where} holds a {block['type']!r} block, which Claude takes amid a conversation only: in a system "
            "message after a user's or a tool's, last or before an answer, with a model from Opus 4.8 on"
        )
    return block


def encode_messages(messages: Iterable[Message], amid: frozenset[int] = frozenset()) -> list[dict[str, Any]]:
    """Encode the conversation; neighbours of one side become one message, as Anthropic reads them.

    Args:
        messages: all of them; what was said at the top is passed over.
        amid: the indices of the system messages that stand amid the conversation.

    Raises:
        EncodingError: if a block has no form for Claude, or a tool call's arguments are no JSON object.
    """
    if type(messages) is Texts and not amid and _take_turns(messages):
        # As they are: to Anthropic a text and a list of one text block say the same.
        return cast("list[dict[str, Any]]", messages[_spoken_from(messages) :])
    encoded: list[dict[str, Any]] = []
    toolsets: dict[str, str] = {}
    last_role = ""
    for index, message in enumerate(messages):
        said = message["role"]
        if len(message) == _PLAIN and said in _SIDES and said != last_role:
            text = message.get("content")
            if isinstance(text, str) and text:
                encoded.append(cast("dict[str, Any]", message))
                last_role = said
                continue
        if said in SYSTEM_ROLES and index not in amid:
            continue
        role = "assistant" if said == "assistant" else "system" if said in SYSTEM_ROLES else "user"
        content = [*_encode_message(message, f"messages[{index}]")]
        _name_toolsets(content, toolsets)
        if role == last_role:
            encoded[-1] = {"role": role, "content": [*_as_blocks(encoded[-1]["content"]), *content]}
        elif content:
            encoded.append({"role": role, "content": content})
            last_role = role
    return encoded


def _take_turns(said: Texts) -> bool:
    """Whether each side speaks after the other, and says something, as in most of a long history."""
    roles = said.roles[_spoken_from(said) :]
    one, other = {*roles[::2]}, {*roles[1::2]}
    return len(one) == 1 and one.isdisjoint(other) and one | other <= _SIDES and all(said.texts)


def _name_toolsets(content: Iterable[Block], toolsets: dict[str, str]) -> None:
    """Let results name the toolset that their calls do.

    Args:
        content: of one message; its results are changed.
        toolsets: those of the calls so far, by their ids; those of this message are added.
    """
    for block in content:
        if block["type"] == "tool_use" and block.get("toolset_name"):
            toolsets[block["id"]] = block["toolset_name"]
        elif block["type"] == "tool_result" and block["tool_use_id"] in toolsets:
            block.setdefault("toolset_name", toolsets[block["tool_use_id"]])


def _as_blocks(content: str | list[Block]) -> list[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _encode_message(message: Message, where: str) -> Iterator[Block]:
    if message["role"] == "tool":
        yield _encode_result(message, where)
    elif message["role"] != "assistant":
        yield from _encode_content(message.get("content"), where)
    else:
        message = as_text(message)
        said = [*_encode_content(message.get("content_blocks") or message.get("content"), where)]
        yield from said
        known = {block.get("id") for block in said if block["type"] == "tool_use"}
        for index, call in enumerate(message.get("tool_calls") or ()):
            if call["id"] not in known:
                yield _encode_call(call, f"{where}.tool_calls[{index}]")


def _encode_result(message: Message, where: str) -> Block:
    content = message.get("content")
    encoded: Block = {"type": "tool_result", "tool_use_id": message.get("tool_call_id")}
    if isinstance(content, str):
        # A text stays one: Anthropic reads both alike, and what was sent before stays as it was.
        encoded["content"] = content
    else:
        blocks = [*_encode_content(content, where)]
        # What stands inside a block is cached with it, by a mark on the block itself (Anthropic, "Prompt caching").
        marks = [mark for block in blocks if (mark := block.pop("cache_control", None))]
        encoded["content"] = blocks
        if marks:
            encoded["cache_control"] = marks[-1]
    if message.get("is_error"):
        # Anthropic refuses a failure without a word.
        encoded |= {"is_error": True, "content": encoded["content"] or "Error"}
    return encoded


def _encode_call(call: ToolCall, where: str) -> Block:
    function = call["function"]
    try:
        arguments = from_json(function["arguments"] or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise EncodingError(
            f"{where}: the arguments of {function['name']!r} are no JSON object; Claude takes nothing else"
        )
    encoded: Block = {"type": "tool_use", "id": call["id"], "name": function["name"], "input": arguments}
    if caller := call.get("caller"):
        encoded["caller"] = caller
    if toolset := call.get("toolset_name"):
        encoded["toolset_name"] = toolset
    if mark := call.get("cache_control"):
        encoded["cache_control"] = mark
    return encoded


def _encode_content(content: str | Iterable[ContentBlock] | None, where: str) -> Iterator[Block]:
    if isinstance(content, str):
        if content:
            yield {"type": "text", "text": content}
        return
    for index, block in enumerate(content or ()):
        yield encode_block(cast("Mapping[str, Any]", block), f"{where}.content[{index}]")


def encode_block(block: Mapping[str, Any], where: str) -> Block:
    """Encode one block: Anthropic's own as they are, OpenAI's media in Anthropic's form.

    Raises:
        ContentError: if Claude has no form for it.
    """
    kind = block["type"]
    if kind in _UNKNOWN_TO_CLAUDE:
        raise ContentError(f"{where} is a block of type {kind!r}, which Claude does not take")
    if kind in _OPENAI_MEDIA:
        block = cast("Mapping[str, Any]", as_media(block, where))
    block = with_data(block)
    check_for_claude(block, where)
    if kind == "text" and block.get("citations"):
        return as_said_before(block)
    return {name: value for name, value in block.items() if name not in _OF_OTHERS}
