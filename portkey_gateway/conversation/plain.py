"""What is most of a long conversation: messages of a role and a text. There is nothing to look for in one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, Self

from portkey_gateway.conversation.request import Message, Role

_PLAIN: Final = 2
_ROLES: Final = frozenset({"system", "developer", "user", "assistant"})
role_of: Final = itemgetter("role")
_content_of: Final = itemgetter("content")


class Texts(list[Message]):
    """A conversation of texts alone that somebody said, as ``seen`` found it: no check looks at its messages again.

    Nobody changes it. Who leaves out a message of it, or adds one, makes a list.

    Args:
        messages: the conversation.
        roles: of its messages, one each.
        texts: of its messages, one each.
    """

    __slots__ = ("roles", "texts")

    def __init__(self, messages: Iterable[Message], roles: list[Role], texts: list[str]) -> None:
        super().__init__(messages)
        self.roles = roles
        self.texts = texts

    @classmethod
    def of(cls, roles: list[Role], texts: list[str]) -> Self:
        """Make the messages of roles and texts."""
        return cls([{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)], roles, texts)


def seen(messages: list[Message]) -> list[Message]:
    """Look at a conversation once for all: ``Texts`` if it is that, else as it is."""
    # All of it without a step of Python's for each message, which takes several times as long.
    if type(messages) is Texts or {*map(type, messages)} != {dict} or {*map(len, messages)} != {_PLAIN}:
        return messages
    try:
        roles: list[Any] = [*map(role_of, messages)]
        texts: list[Any] = [*map(_content_of, messages)]
        is_text = {*map(type, texts)} == {str} and _ROLES.issuperset(roles)
    except (KeyError, TypeError):  # a field of another name, a role that is no name
        return messages
    return Texts(messages, roles, texts) if is_text else messages


def beside_plain(messages: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """The messages that are more than a role and a text, with their places."""
    if type(messages) is Texts:
        return []
    return [
        (index, message)
        for index, message in enumerate(messages)
        if len(message) != _PLAIN or type(message.get("content")) is not str
    ]


def all_say_something(messages: Texts) -> bool:
    """Whether none of the texts is empty, or white space alone."""
    return all(messages.texts) and not any(map(str.isspace, messages.texts))
