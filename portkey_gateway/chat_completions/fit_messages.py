"""Messages of a conversation, said so that whoever may answer takes them: by the table of providers. Pure.

What is said otherwise says the same to every other provider, too; what only one of them understands is done where
nobody else may answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from portkey_gateway.chat_completions.blocks import ERROR_PREFIX
from portkey_gateway.chat_completions.media import MEDIA
from portkey_gateway.chat_completions.providers import Provider, providers_of
from portkey_gateway.conversation.arguments import as_arguments
from portkey_gateway.conversation.claude import with_user_first
from portkey_gateway.conversation.plain import Texts
from portkey_gateway.conversation.request import SYSTEM_ROLES, Message
from portkey_gateway.errors import warn
from portkey_gateway.routing import Route

_MARK: Final = "cache_control"
_BETWEEN: Final = "\n\n"
# Other blocks have no place in a user's message either.
_MEDIA: Final = MEDIA | {"image_url", "file", "input_audio"}
_SHOWN_BELOW: Final = "What it returned is shown in the next message."
_HEARD: Final = "I have read it."
_ID_LENGTH: Final = 9
_NO_NAME: Final = re.compile(r"[\s<|\\/>]+")


def fit_messages(messages: Sequence[Message], route: Route, *, has_tools: bool) -> list[Message]:
    """Return messages that whoever may answer takes; they are not changed themselves.

    Args:
        messages: of the conversation, their calls and results in order.
        route: where the call goes.
        has_tools: whether it offers tools.

    Warns:
        PortkeyWarning: if something of a message does not reach somebody who may answer.
    """
    providers = providers_of(route)
    if type(messages) is Texts:
        return _in_order(messages, providers)  # nothing else of what follows is about texts
    fitted: list[Message] = [*messages]
    if not (route.is_claude and not route.is_mixed and all(each.media_in_results for each in providers)):
        fitted = [*_with_media_behind_results(fitted)]
    fitted = _in_order(fitted, providers)
    if any(each.call_id for each in providers):
        fitted = _with_short_ids(fitted, next(each.call_id for each in providers if each.call_id) or "")
    fitted = _with_names_as_taken(fitted, [each.name for each in providers if not each.takes_names])
    if providers and all(each.wants_call_names for each in providers):
        fitted = [*_with_names_of_tools(fitted)]
    # What the hosted gateway drops is not known.
    lossy = () if route.gateway == "hosted" else providers
    if deaf := [each.name for each in lossy if not each.keeps_calls]:
        why = f"do not reach {' and '.join(deaf)} as such: the gateway drops them"
        fitted = [*_with_calls_in_words(fitted, why, deaf, providers)]
    if not has_tools and (strict := [each.name for each in providers if each.wants_tools_of_calls]):
        why = f"are refused by {' and '.join(strict)} where no tools are offered: bind them to keep the calls"
        fitted = [*_with_calls_in_words(fitted, why, strict, providers)]
    if deaf := [each.name for each in lossy if not each.keeps_text_beside_calls]:
        fitted = [*_with_text_before_calls(fitted, deaf, alone=len(deaf) == len(providers))]
    if any(not each.user_behind_results for each in providers):
        fitted = [*_with_answers_behind_results(fitted)]
    return fitted


def as_texts(messages: Sequence[Message], route: Route) -> list[Message]:
    """Return encoded messages with one text for a list of texts, where somebody who may answer wants that."""
    if type(messages) is Texts:
        return messages
    roles = frozenset().union(*(each.texts for each in providers_of(route)))
    if not roles:
        return [*messages]
    return [_as_text(message) if message["role"] in roles else message for message in messages]


def _as_text(message: Message) -> Message:
    content = message.get("content")
    if not isinstance(content, list) or any(block["type"] != "text" for block in content):
        return message
    return cast("Message", {**message, "content": _joined(content)})


def _joined(content: Any) -> str:
    if not isinstance(content, list):
        return content or ""
    return _BETWEEN.join(text for block in content if (text := block["text"]))


def _in_order(messages: list[Message], providers: Sequence[Provider]) -> list[Message]:
    """The messages in an order of roles that everybody who may answer takes."""
    if any(each.one_system for each in providers):
        messages = _with_one_system(messages)
    if any(each.takes_turns for each in providers):
        messages = with_user_first(_with_answers_joined(messages))
    return messages


def _with_one_system(messages: list[Message]) -> list[Message]:
    """All system messages as one text at the top."""
    told: list[Message] = []
    rest: list[Message] = []
    for message in messages:
        content = message.get("content")
        is_text = not isinstance(content, list) or all(block["type"] == "text" for block in content)
        (told if message["role"] in SYSTEM_ROLES and is_text else rest).append(message)
    texts = [text for message in told if (text := _joined(message.get("content")))]
    return [{"role": "system", "content": _BETWEEN.join(texts)}, *rest] if texts else rest


def _with_answers_joined(messages: Sequence[Message]) -> list[Message]:
    """Answers that follow each other as one; its calls are those of the last, whose results come next."""
    told: list[Message] = []
    for message in messages:
        before = told[-1] if told else None
        if before is None or message["role"] != "assistant" or not _is_said_alone(before):
            told.append(message)
            continue
        content = [*_blocks(before.get("content")), *_blocks(message.get("content"))]
        told[-1] = cast("Message", {**message, "content": content})
    return told


def _is_said_alone(message: Message) -> bool:
    """Tell whether it is an answer without calls, whose results would have to follow."""
    return message["role"] == "assistant" and not _calls_of(message) and "audio" not in message


def _blocks(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _with_media_behind_results(messages: Sequence[Message]) -> Iterator[Message]:
    """What tools returned beside text, in a user's message behind all results of the turn."""
    shown: list[Any] = []
    names: dict[str, str] = {}
    for message in messages:
        if message["role"] != "tool":
            if shown:
                yield {"role": "user", "content": shown}
                shown = []
            names |= {call["id"]: call["function"]["name"] for call in message.get("tool_calls", ())}
            yield message
            continue
        content = message.get("content")
        media = [block for block in content if block["type"] in _MEDIA] if isinstance(content, list) else []
        if not media:
            yield message
            continue
        texts = [block for block in content or () if block["type"] not in _MEDIA]  # type: ignore[index]  # of a list
        of = names.get(message.get("tool_call_id") or "", "the tool")
        shown += [{"type": "text", "text": f"What {of} returned:"}, *media]
        yield cast("Message", {**message, "content": texts or _SHOWN_BELOW})
    if shown:
        yield {"role": "user", "content": shown}


def _with_answers_behind_results(messages: Sequence[Message]) -> Iterator[Message]:
    """A word of the model's between the results of tools and a user's message, which may not follow right behind."""
    before = None
    for message in messages:
        if before == "tool" and message["role"] == "user":
            yield {"role": "assistant", "content": _HEARD}
        before = message["role"]
        yield message


def _with_short_ids(messages: Sequence[Message], pattern: str) -> list[Message]:
    """Ids of calls that do not fit, by others that depend on nothing but them."""

    def fitting(given: str) -> str:
        if re.fullmatch(pattern, given):
            return given
        return hashlib.sha256(given.encode()).hexdigest()[:_ID_LENGTH]

    fitted = []
    for message in messages:
        told: dict[str, Any] = {**message}
        if calls := message.get("tool_calls"):
            told["tool_calls"] = [{**call, "id": fitting(call["id"])} for call in calls]
        if message["role"] == "tool":
            told["tool_call_id"] = fitting(message.get("tool_call_id") or "")
        if isinstance(content := message.get("content"), list):
            told["content"] = [
                {**block, "id": fitting(str(block["id"]))} if block["type"] == "tool_use" else block
                for block in cast("list[Mapping[str, Any]]", content)
            ]
        fitted.append(cast("Message", told))
    return fitted


def _with_names_as_taken(messages: Sequence[Message], nameless: Sequence[str]) -> list[Message]:
    if nameless:
        messages = [_without_name(message, nameless) for message in messages]
    return [_with_fitting_name(message) if "name" in message else message for message in messages]


def _without_name(message: Message, nameless: Sequence[str]) -> Message:
    if message["role"] == "tool" or "name" not in message:
        return message
    warn(f"the name of a message is left out: {' and '.join(nameless)} takes none")
    return cast("Message", {name: value for name, value in message.items() if name != "name"})


def _with_fitting_name(message: Message) -> Message:
    """A name without what OpenAI's pattern for names (in its error) leaves out: white space and a few marks."""
    name = message.get("name")
    if name is None or not _NO_NAME.search(name):
        return message
    return cast("Message", {**message, "name": _NO_NAME.sub("_", name)})


def _with_names_of_tools(messages: Sequence[Message]) -> Iterator[Message]:
    """Results that name their tool."""
    names: dict[str, str] = {}
    for message in messages:
        names |= {call["id"]: call["function"]["name"] for call in message.get("tool_calls", ())}
        name = names.get(message.get("tool_call_id") or "")
        yield {**message, "name": name} if message["role"] == "tool" and name else message


def _with_text_before_calls(messages: Sequence[Message], deaf: Sequence[str], *, alone: bool) -> Iterator[Message]:
    """What was said beside a call, in a message of its own before it: the provider joins them again."""
    for message in messages:
        text = _joined(_texts_of(message))
        if not message.get("tool_calls") or not text:
            yield message
        elif alone:
            content: Any = message.get("content")
            is_shown = isinstance(content, list) and any(block["type"] == "image" for block in content)
            yield {"role": "assistant", "content": content if is_shown else text}
            yield cast("Message", {**message, "content": None})
        else:
            warn(f"what was said beside a tool call does not reach {' and '.join(deaf)}, where the config may send it")
            yield message


def _texts_of(message: Message) -> Any:
    content = message.get("content")
    return [block for block in content if block["type"] == "text"] if isinstance(content, list) else content


def _with_calls_in_words(
    messages: Sequence[Message], why: str, wanting: Sequence[str], providers: Sequence[Provider]
) -> Iterator[Message]:
    """Calls and their results, said in words: no other form reaches everybody who may answer."""
    others = " and ".join(each.name for each in providers if each.name not in wanting)
    whom = f", {others} too" if others else ""
    names: dict[str, str] = {}
    for message in messages:
        calls = _calls_of(message)
        if not calls and message["role"] != "tool":
            yield message
            continue
        warn(f"tool calls of earlier turns {why}; they are told in words{whom}")
        names |= {call_id: name for call_id, name, _ in calls}
        said = _joined(_texts_of(message))
        if message["role"] == "tool":
            name = names.get(message.get("tool_call_id") or "", "the tool")
            failed = ERROR_PREFIX if message.get("is_error") and not said.startswith(ERROR_PREFIX) else ""
            yield {"role": "user", "content": _marked(f"Result of {name}: {failed}{said}", message)}
            continue
        called = [f"Calling {name} with {arguments}" for _, name, arguments in calls]
        yield {"role": "assistant", "content": _marked("\n".join([*([said] if said else []), *called]), message)}


def _marked(text: str, message: Message) -> Any:
    """What a message says in words, with the mark for a prompt cache that stood on it or in it."""
    content = message.get("content")
    places = [*(content if isinstance(content, list) else ()), *message.get("tool_calls", ()), message]
    marks = [mark for place in places if (mark := cast("Mapping[str, Any]", place).get(_MARK))]
    return [{"type": "text", "text": text, _MARK: marks[-1]}] if marks else text


def _calls_of(message: Message) -> list[tuple[str, str, str]]:
    """Id, name and arguments of each call, whether it stands apart or among the blocks in Anthropic's form."""
    told = [
        (call["id"], call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls", ())
    ]
    content = message.get("content")
    blocks = cast("list[Mapping[str, Any]]", content if isinstance(content, list) else [])
    known = {call_id for call_id, _, _ in told}
    return told + [
        (block["id"], block["name"], as_arguments(block.get("input") or {}))
        for block in blocks
        if block["type"] == "tool_use" and block["id"] not in known
    ]
