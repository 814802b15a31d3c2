"""Earlier answers as they are said again: with pictures, spoken ones, and what only Claude or Gemini knows of calls."""

from __future__ import annotations

import copy
import time
from typing import Any, cast

import pytest

from portkey_gateway.chat_completions.blocks import encode_message, says_something
from portkey_gateway.conversation.request import Message
from portkey_gateway.errors import ContentError
from portkey_gateway.routing import Route
from tests.core.warned import warned

GEMINI, GEMINI_3, OPENAI = ("google", "gemini-2.5-flash"), ("google", "gemini-3-pro-preview"), ("openai", "gpt-5")
DEEPSEEK, UNKNOWN = ("deepseek", "deepseek-chat"), ("our-own", "a-model")
MARK = {"type": "ephemeral"}
SAID = {"type": "text", "text": "Hi"}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
USE = {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "it"}}
ELSEWHERE = "the config may send this call to another model, too, and chat completions do not carry it to Claude"


def call(call_id: str = "c1", **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "look", "arguments": '{"at":"it"}'}, **more}


def told(said: dict[str, Any], *targets: Any, **route: Any) -> tuple[dict[str, Any], list[str]]:
    """What an answer is said as, but for its role, and all that is warned of."""
    message = cast("Message", {"role": "assistant", **said})
    before = copy.deepcopy(message)
    with warned() as texts:
        encoded: Any = encode_message(message, "messages[2]", Route(targets=targets, **route))
    assert message == before
    assert encoded["role"] == "assistant"
    return {name: value for name, value in encoded.items() if name != "role"}, texts


# --- pictures -------------------------------------------------------------------------------------------------------


def test_pictures_stand_among_the_texts_and_nothing_else_does() -> None:
    cited = {**SAID, "citations": [{"type": "char_location"}]}
    other = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    content = [THOUGHT, cited, PICTURE, other, USE, SAID]
    expected = {"content": [SAID, SHOWN, SAID], "tool_calls": [call()]}
    assert told({"content": content}, GEMINI, is_gemini=True) == (expected, [])


def test_a_picture_alone_is_one_too() -> None:
    assert told({"content": [PICTURE]}, GEMINI) == ({"content": [SHOWN]}, [])


def test_a_picture_that_does_not_arrive_is_an_error_with_its_place() -> None:
    with pytest.raises(ContentError) as caught:
        told({"content": [PICTURE]}, DEEPSEEK)
    assert caught.value.message == (
        "messages[2].content is a block of type 'image', image/png, which does not reach DeepSeek: convert it to what "
        "the model takes, or ask a model that takes it"
    )


# --- spoken answers -------------------------------------------------------------------------------------------------

SPOKEN = {"id": "audio_1", "data": "AAAA", "transcript": "Hello."}
LATER = int(time.time()) + 10**6


@pytest.mark.parametrize("more", [{}, {"expires_at": LATER}])
@pytest.mark.parametrize("targets", [(OPENAI,), (OPENAI, UNKNOWN), ()])
def test_openai_knows_a_sound_by_its_id(targets: Any, more: dict[str, Any]) -> None:
    assert told({"content": None, "audio": {**SPOKEN, **more}}, *targets) == (
        {"content": None, "audio": {"id": "audio_1"}},
        [],
    )


@pytest.mark.parametrize(
    ("targets", "route", "sound"),
    [
        ((OPENAI, DEEPSEEK), {}, SPOKEN),
        ((DEEPSEEK,), {}, SPOKEN),
        ((), {"is_claude": True}, SPOKEN),
        ((OPENAI,), {}, {**SPOKEN, "expires_at": 1}),
        ((OPENAI,), {}, {"data": "AAAA", "transcript": "Hello."}),
    ],
)
def test_to_all_others_it_is_said_in_words(targets: Any, route: dict[str, Any], sound: dict[str, Any]) -> None:
    assert told({"content": None, "audio": sound}, *targets, **route) == ({"content": "Hello."}, [])
    assert told({"content": "Hi", "audio": sound}, *targets, **route) == ({"content": "Hi"}, [])


# --- calls ----------------------------------------------------------------------------------------------------------

OF_CODE = {"type": "code_execution_20250825", "tool_id": "s1"}


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"caller": OF_CODE}, ["the caller of 'look'"]),
        ({"caller": {"type": "direct"}}, []),
        ({"caller": {}}, []),
        ({"toolset_name": "files"}, ["toolset_name of 'look'"]),
        ({"caller": OF_CODE, "toolset_name": "files"}, ["the caller of 'look'", "toolset_name of 'look'"]),
    ],
)
@pytest.mark.parametrize(("mixed", "why"), [({}, "api_format='messages' carries it"), ({"is_mixed": True}, ELSEWHERE)])
def test_who_called_is_left_out_and_that_is_said_where_a_claude_answers(
    more: dict[str, Any], what: list[str], mixed: dict[str, Any], why: str
) -> None:
    said = {"content": None, "tool_calls": [call(**more)]}
    texts = [f"the gateway drops {each}: {why}" for each in what]
    assert told(said, is_claude=True, **mixed) == ({"content": None, "tool_calls": [call()]}, texts)
    assert told(said, OPENAI) == ({"content": None, "tool_calls": [call()]}, [])
    among = {"content": [{**USE, **more}]}
    assert told(among, is_claude=True, **mixed) == ({"tool_calls": [call()]}, texts)


def test_a_call_keeps_its_mark_and_its_numbers_are_json() -> None:
    marked = {**USE, "cache_control": MARK}
    assert told({"content": [marked]}, is_claude=True)[0] == {"tool_calls": [call(cache_control=MARK)]}
    unknown = call()
    unknown["function"] = {"name": "look", "arguments": '{"a": NaN}'}
    assert told({"content": None, "tool_calls": [unknown]}, OPENAI)[0]["tool_calls"] == [
        {**call(), "function": {"name": "look", "arguments": '{"a":"NaN"}'}}
    ]


def test_a_call_without_arguments_has_none() -> None:
    [made] = told({"content": [{"type": "tool_use", "id": "c1", "name": "look"}]}, OPENAI)[0]["tool_calls"]
    assert made == {**call(), "function": {"name": "look", "arguments": "{}"}}


def proven(call_id: str, proof: str | None) -> dict[str, Any]:
    more = {"thought_signature": proof} if proof else {}
    return {**call(call_id), "function": {**call()["function"], **more}}


SKIP = "skip_thought_signature_validator"


@pytest.mark.parametrize(
    ("targets", "proofs", "sent"),
    [
        ((GEMINI_3,), ("p", None), ("p", None)),
        ((GEMINI_3,), (None, None), (SKIP, None)),  # what another model called
        ((GEMINI_3,), (None, "p"), (SKIP, "p")),
        ((("google", "gemini-flash-latest"),), (None, None), (SKIP, None)),
        ((GEMINI,), (None, None), (None, None)),
        ((GEMINI,), ("p", None), ("p", None)),
        ((GEMINI, GEMINI_3), (None, None), (SKIP, None)),
    ],
)
def test_the_third_gemini_sees_a_proof_on_the_first_call(targets: Any, proofs: Any, sent: Any) -> None:
    calls = [
        call(call_id, **({"thought_signature": proof} if proof else {}))
        for call_id, proof in zip(("c1", "c2"), proofs, strict=True)
    ]
    expected = [proven(call_id, proof) for call_id, proof in zip(("c1", "c2"), sent, strict=True)]
    said = {"content": None, "tool_calls": calls}
    assert told(said, *targets, is_gemini=True) == ({"content": None, "tool_calls": expected}, [])


@pytest.mark.parametrize(("may_be_gemini", "is_said"), [(True, True), (False, False)])
def test_a_proof_that_is_left_out_is_said_where_a_gemini_may_answer(*, may_be_gemini: bool, is_said: bool) -> None:
    text = (
        "thought_signature of tool calls is left out: the config may send this call to a model that refuses it, and "
        "Gemini 3 wants to see it again; let the config name Geminis alone, or none"
    )
    said = {"content": None, "tool_calls": [call(thought_signature="p")]}
    expected = {"content": None, "tool_calls": [call()]}
    assert told(said, OPENAI, may_be_gemini=may_be_gemini) == (expected, [text] if is_said else [])


# --- what is left of them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "is_one"),
    [
        ({"role": "assistant"}, False),
        ({"role": "assistant", "content": None, "tool_calls": []}, False),
        ({"role": "assistant", "content": ""}, False),
        ({"role": "assistant", "content": "Hi"}, True),
        ({"role": "assistant", "content_blocks": [THOUGHT]}, True),
        ({"role": "assistant", "tool_calls": [call()]}, True),
        ({"role": "assistant", "audio": {"id": "a"}}, True),
        ({"role": "user", "content": ""}, True),
    ],
)
def test_an_answer_that_says_nothing_is_none(message: Any, *, is_one: bool) -> None:
    assert says_something(message) is is_one


# Two texts stay apart, and a mark needs its block.
@pytest.mark.parametrize(
    ("content", "left"),
    [
        ([THOUGHT, SAID], "Hi"),
        ([SAID], [SAID]),
        ([THOUGHT, SAID, SAID], [SAID, SAID]),
        ([THOUGHT, {**SAID, "cache_control": MARK}], [{**SAID, "cache_control": MARK}]),
    ],
)
@pytest.mark.parametrize("route", [{}, {"is_claude": True, "is_mixed": True}])
def test_one_text_beside_what_others_do_not_know_becomes_a_string(content: Any, left: Any, route: Any) -> None:
    assert told({"content": content}, **route) == ({"content": left}, [])
