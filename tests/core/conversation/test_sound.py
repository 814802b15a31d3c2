"""Spoken answers: pieces of a stream are one sound in the end, however they were cut."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.conversation.sound import PCM_TYPE, GrowingSound, as_text, sound_type
from tests.support.media import WAV64


def fold(*pieces: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The data that was handed on in pieces, and the whole."""
    sound = GrowingSound()
    told = "".join(sound.add(piece).get("data", "") for piece in pieces) + sound.end()
    return told, sound.finished()


@given(st.lists(st.binary(max_size=20)))
def test_pieces_that_are_base64_of_their_own_are_joined(pieces: list[bytes]) -> None:
    expected = base64.b64encode(b"".join(pieces)).decode()
    told, whole = fold(*({"data": base64.b64encode(piece).decode()} for piece in pieces))
    assert told == whole["data"] == expected


@given(st.binary(max_size=60), st.lists(st.integers(0, 80)))
def test_one_base64_may_be_cut_anywhere(data: bytes, cuts: list[int]) -> None:
    text = base64.b64encode(data).decode()
    ends = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    told, whole = fold(*({"data": text[start:end]} for start, end in itertools.pairwise(ends)))
    assert told == whole["data"] == text


def test_each_fact_is_handed_on_once_and_the_transcript_in_pieces() -> None:
    sound = GrowingSound()
    assert sound.add({"id": "audio_1"}) == {"id": "audio_1"}
    assert sound.add({"id": "audio_1", "transcript": "Hel"}) == {"transcript": "Hel"}
    assert sound.add({"id": "audio_1", "transcript": "lo.", "data": None}) == {"transcript": "lo."}
    assert sound.add({"expires_at": 7, "data": "AAAA"}) == {"expires_at": 7, "data": "AAAA"}
    assert sound.finished() == {"id": "audio_1", "transcript": "Hello.", "expires_at": 7, "data": "AAAA"}


def test_what_a_sound_is_shows_at_its_beginning() -> None:
    assert sound_type(WAV64) == "audio/wav"
    assert sound_type(base64.b64encode(bytes(90)).decode()) == sound_type("") == PCM_TYPE


@pytest.mark.parametrize("content", ["", None, []])
def test_a_model_that_has_not_said_it_is_told_in_words(content: Any) -> None:
    spoken: Any = {"role": "assistant", "content": content, "audio": {"id": "audio_1", "transcript": "Hello."}}
    assert as_text(spoken) == {"role": "assistant", "content": "Hello."}
    other: Any = {**spoken, "content": "Hi."}
    assert as_text(other) == {"role": "assistant", "content": "Hi."}
    assert as_text({"role": "assistant", "content": "Hi."}) == {"role": "assistant", "content": "Hi."}


def test_a_fact_that_is_not_told_is_none() -> None:
    sound = GrowingSound()
    assert sound.add({"id": None, "transcript": "", "data": ""}) == {}
    assert sound.finished() == {"data": "", "transcript": ""}
