"""What cannot be sent as JSON is named by its place."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.conversation.unsendable import is_whole_text, unsendable

HALF = "\ud83d"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"messages": [{"content": "Hi"}, {"content": [{"text": f"a{HALF}"}]}]}, "messages[1].content[0].text"),
        ({"stop": ("a", HALF)}, "stop[1]"),
        ({"a": {"b": HALF}, "c": HALF}, "a.b"),
        ([HALF], "[0]"),
        (HALF, ""),
    ],
)
def test_half_a_character_is_named_with_its_cure(body: Any, where: str) -> None:
    assert unsendable(body, ValueError("x")).message == (
        f"{where} holds half a character (one of a surrogate pair), which nothing can carry: was a text cut inside an "
        "emoji? text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace') mends it"
    )


@pytest.mark.parametrize("body", [{}, {"a": object(), "b": [1, None, "whole 😀"]}, "a", 7])
def test_anything_else_is_told_as_the_writer_tells_it(body: Any) -> None:
    assert unsendable(body, ValueError("no such type")).message == (
        "the request holds something that JSON does not know: no such type"
    )


def test_a_text_is_whole_or_not() -> None:
    assert is_whole_text("😀")
    assert not is_whole_text(f"😀{HALF}")
