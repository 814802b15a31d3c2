"""Pictures that a model drew are told to Geminis again, and to nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway.conversation.drawn import without_drawn
from tests.core.warned import warned

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
SAID = {"type": "text", "text": "Here it is."}
USER: dict[str, Any] = {"role": "user", "content": [PICTURE]}


@pytest.mark.parametrize(("content", "left"), [([SAID, PICTURE, SAID], [SAID, SAID]), ([PICTURE, PICTURE], "")])
def test_a_picture_in_an_answer_is_left_out_by_its_place(content: Any, left: Any) -> None:
    answer = {"role": "assistant", "content": content, "name": "Ann"}
    before = repr(answer)
    with warned() as texts:
        told = without_drawn([USER, answer])  # type: ignore[list-item]  # they are messages
    assert told == [USER, {**answer, "content": left}]
    [text] = texts
    assert text == (
        "a picture that the model drew (messages[1]) is left out: only where surely a Gemini answers it can be told "
        "again; show it in a user's message"
    )
    assert repr(answer) == before


@pytest.mark.parametrize("content", ["Hi", None, [], [SAID]])
def test_other_answers_stay_as_they_are(content: Any) -> None:
    answer: Any = {"role": "assistant", "content": content}
    with warned() as texts:
        told = without_drawn([USER, answer])  # type: ignore[list-item]  # it is a message
    assert told[0] is USER
    assert told[1] is answer
    assert texts == []
