"""Whole conversations as whoever may answer takes them, message for message, and every word that is said of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from portkey_gateway.chat_completions.fit_messages import as_texts, fit_messages
from portkey_gateway.conversation.claude import CONTINUED
from portkey_gateway.routing import Route
from tests.core.chat_completions.test_fit_messages import call, calling, result, text
from tests.core.warned import warned

GEMINI, OPENAI = ("google", "gemini-2.5-flash"), ("openai", "gpt-5")
VERTEX = ("vertex-ai", "gemini-2.5-flash")
MISTRAL, COHERE = ("mistral-ai", "mistral-large-latest"), ("cohere", "command-a-03-2025")
BEDROCK = ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")
LLAMA = ("bedrock", "meta.llama3-70b-instruct-v1:0")
GROQ, ANTHROPIC = ("groq", "llama-3.3-70b-versatile"), ("anthropic", "claude-sonnet-4-5")
MARK, OTHER_MARK = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}
USER: dict[str, Any] = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
LINK = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
USE = {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": "sky"}}
HEARD = {"role": "assistant", "content": "I have read it."}


def fit(messages: list[Any], *targets: Any, has_tools: bool = True, **more: Any) -> tuple[list[Any], list[str]]:
    before = copy.deepcopy(messages)
    with warned() as texts:
        fitted = fit_messages(messages, Route(targets=targets, **more), has_tools=has_tools)
    assert messages == before
    return fitted, texts


# --- calls in words -------------------------------------------------------------------------------------------------

DROPPED = "tool calls of earlier turns do not reach Cohere as such: the gateway drops them; they are told in words"
REFUSED = (
    "tool calls of earlier turns are refused by {} where no tools are offered: bind them to keep the calls; they are "
    "told in words"
)


@pytest.mark.parametrize(
    ("targets", "has_tools", "said"),
    [
        ((COHERE,), True, DROPPED),
        ((COHERE,), False, DROPPED),
        ((OPENAI, COHERE), True, f"{DROPPED}, OpenAI too"),
        ((OPENAI, COHERE, GROQ), True, f"{DROPPED}, OpenAI and Groq too"),
        ((BEDROCK,), False, REFUSED.format("Claude on Bedrock")),
        ((BEDROCK, LLAMA), False, REFUSED.format("Claude on Bedrock and other models on Bedrock")),
        ((LLAMA, OPENAI), False, f"{REFUSED.format('other models on Bedrock')}, OpenAI too"),
    ],
)
def test_calls_and_results_are_told_in_words_and_that_is_said(targets: Any, said: str, *, has_tools: bool) -> None:
    messages = [USER, calling(call(), call("call_2", "taste")), result(), result("salty", "call_2"), USER]
    assert fit(messages, *targets, has_tools=has_tools) == (
        [
            USER,
            {"role": "assistant", "content": 'Calling look with {"at":"sky"}\nCalling taste with {"at":"sky"}'},
            {"role": "user", "content": "Result of look: blue"},
            {"role": "user", "content": "Result of taste: salty"},
            USER,
        ],
        [said] * 3,
    )


def results_of(message: dict[str, Any], *before: dict[str, Any]) -> Any:
    fitted, _ = fit([USER, *before, message], COHERE)
    return fitted[-1]["content"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({**result("bad"), "is_error": True}, "Result of look: Error: bad"),
        ({**result("Error: bad"), "is_error": True}, "Result of look: Error: bad"),
        ({**result("bad"), "is_error": False}, "Result of look: bad"),
        (result([text("a"), text(""), text("b")]), "Result of look: a\n\nb"),
        (result(None), "Result of look: "),
        (result("blue", "call_9"), "Result of the tool: blue"),
        ({"role": "tool", "content": "blue"}, "Result of the tool: blue"),
    ],
)
def test_a_result_in_words_names_its_tool_and_its_failure(message: dict[str, Any], said: str) -> None:
    assert results_of(message, calling(call())) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"content": [text("I will."), USE]}, 'I will.\nCalling look with {"at":"sky"}'),
        ({"content": [{**USE, "input": None}]}, "Calling look with {}"),
        ({"content": [USE], "tool_calls": [call()]}, 'Calling look with {"at":"sky"}'),  # told twice, made once
        (
            {"content": [{**USE, "id": "call_2"}], "tool_calls": [call()]},
            'Calling look with {"at":"sky"}\nCalling look with {"at":"sky"}',
        ),
    ],
)
def test_calls_among_the_blocks_are_told_in_words_too(given: dict[str, Any], said: str) -> None:
    fitted, texts = fit([USER, {"role": "assistant", **given}], COHERE)
    assert (fitted, texts) == ([USER, {"role": "assistant", "content": said}], [DROPPED])


@pytest.mark.parametrize(
    "marked",
    [
        {**calling({**call(), "cache_control": MARK})},
        {**calling(call()), "content": [{**text("a"), "cache_control": MARK}]},
        {**calling(call()), "cache_control": MARK},
        {**calling({**call(), "cache_control": OTHER_MARK}), "cache_control": MARK},  # the last of them
    ],
)
def test_the_last_mark_of_what_is_told_in_words_stays_on_it(marked: dict[str, Any]) -> None:
    [_, message], _ = fit([USER, marked], LLAMA, has_tools=False)
    said = 'a\nCalling look with {"at":"sky"}' if marked["content"] else 'Calling look with {"at":"sky"}'
    assert message == {"role": "assistant", "content": [{**text(said), "cache_control": MARK}]}


# --- what is said beside calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "deaf"), [((OPENAI, GEMINI), "Gemini"), ((OPENAI, GEMINI, VERTEX), "Gemini and Gemini on Vertex AI")]
)
def test_what_is_said_beside_a_call_is_named_where_a_gemini_may_not_hear_it(targets: Any, deaf: str) -> None:
    messages = [USER, calling(call(), said="I will look."), result(), calling(call("call_2"), said="")]
    told = f"what was said beside a tool call does not reach {deaf}, where the config may send it"
    assert fit(messages, *targets) == (messages, [told])


@pytest.mark.parametrize(
    ("said", "before"),
    [
        ("I will.", "I will."),
        ([text("I will"), text("look.")], "I will\n\nlook."),
        ([text("So:"), IMAGE], [text("So:"), IMAGE]),  # a picture that a Gemini made stays one
    ],
)
def test_it_stands_in_an_answer_of_its_own_before_it_where_geminis_answer_alone(said: Any, before: Any) -> None:
    assert fit([USER, calling(call(), said=said), result()], GEMINI) == (
        [USER, {"role": "assistant", "content": before}, calling(call()), {**result(), "name": "look"}],
        [],
    )


def test_an_answer_without_calls_and_a_call_without_words_stay_one() -> None:
    messages = [USER, {"role": "assistant", "content": "Hello."}, USER, calling(call())]
    assert fit(messages, GEMINI) == (messages, [])


# --- names and ids --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "who"),
    [((MISTRAL,), "Mistral"), ((OPENAI, GROQ), "Groq"), ((MISTRAL, GROQ), "Mistral and Groq")],
)
def test_names_of_users_are_left_out_where_one_takes_none(targets: Any, who: str) -> None:
    messages = [{**USER, "name": "Ann"}, {"role": "assistant", "content": "Hello.", "name": "bot"}, USER]
    expected = [USER, {"role": "assistant", "content": "Hello."}, USER]
    told = f"the name of a message is left out: {who} takes none"
    assert fit(messages, *targets) == (expected, [told, told])


def test_a_result_keeps_the_name_of_its_tool() -> None:
    named = {**result(), "name": "look"}
    assert fit([USER, calling(call()), named], GROQ) == ([USER, calling(call()), named], [])


@pytest.mark.parametrize(
    ("name", "sent"),
    [("Ann", "Ann"), ("Ann Lee", "Ann_Lee"), ("a <b> c", "a_b_c"), ("a|b\\c/d", "a_b_c_d"), ("Zoë-2", "Zoë-2")],
)
@pytest.mark.parametrize("targets", [(OPENAI,), (ANTHROPIC, OPENAI), ()])
def test_a_name_has_no_white_space_and_none_of_a_few_marks(name: str, sent: str, targets: Any) -> None:
    assert fit([{**USER, "name": name}], *targets) == ([{**USER, "name": sent}], [])


def test_an_id_that_does_not_fit_is_another_wherever_it_stands() -> None:
    # SHA-256 of the id, as sha256sum says it.
    fitting = "74196fe72"  # pragma: allowlist secret
    messages = [
        USER,
        {"role": "assistant", "content": [text("a"), USE], "tool_calls": [call(), call("D681PevKs")]},
        result(),
        result("b", "D681PevKs"),
    ]
    assert fit(messages, MISTRAL, OPENAI) == (
        [
            USER,
            {
                "role": "assistant",
                "content": [text("a"), {**USE, "id": fitting}],
                "tool_calls": [call(fitting), call("D681PevKs")],
            },
            result(call_id=fitting),
            result("b", "D681PevKs"),
        ],
        [],
    )


def test_only_geminis_see_the_names_of_tools_on_their_results() -> None:
    messages = [calling(call(), call("call_2", "taste")), result(), result("b", "call_2"), result("c", "call_9"), USER]
    fitted, _ = fit([USER, *messages], GEMINI, VERTEX)
    assert [message.get("name") for message in fitted] == [None, None, "look", "taste", None, None]


# --- order ----------------------------------------------------------------------------------------------------------


def test_system_messages_that_are_no_texts_stay_where_they_are() -> None:
    shown = {"role": "system", "content": [IMAGE, text("a")]}
    messages = [shown, USER, {"role": "developer", "content": "b"}, {"role": "system", "content": None}]
    assert fit(messages, MISTRAL) == ([{"role": "system", "content": "b"}, shown, USER], [])


def test_answers_that_follow_each_other_are_one_for_bedrock() -> None:
    first, second = {"role": "assistant", "content": "One."}, {"role": "assistant", "content": [text("Two.")]}
    nothing = {"role": "assistant", "content": None}
    joined = {"role": "assistant", "content": [text("One."), text("Two.")]}
    assert fit([USER, first, nothing, second, USER], LLAMA) == ([USER, joined, USER], [])
    assert fit([first, USER], LLAMA) == ([{"role": "user", "content": CONTINUED}, first, USER], [])
    assert fit([USER, first, USER, first], LLAMA) == ([USER, first, USER, first], [])


@pytest.mark.parametrize("before", [calling(call()), {"role": "assistant", "content": [USE]}])
def test_an_answer_with_calls_ends_where_it_ends(before: dict[str, Any]) -> None:
    messages = [USER, before, {"role": "assistant", "content": "Two."}]
    assert fit(messages, LLAMA) == (messages, [])


def test_mistral_hears_no_user_right_behind_results() -> None:
    ids = ("D681PevKs", "D681PevKt")
    called = calling(*map(call, ids))
    results = [result(call_id=each) for each in ids]
    assert fit([USER, called, *results, USER, USER], MISTRAL) == ([USER, called, *results, HEARD, USER, USER], [])


@pytest.mark.parametrize("shown", [IMAGE, LINK, {"type": "file", "file": {}}, {"type": "input_audio"}])
def test_what_a_tool_shows_comes_from_the_user(shown: dict[str, Any]) -> None:
    assert fit([USER, calling(call()), result([shown]), {"role": "tool", "content": [shown]}], OPENAI) == (
        [
            USER,
            calling(call()),
            result("What it returned is shown in the next message."),
            {"role": "tool", "content": "What it returned is shown in the next message."},
            {"role": "user", "content": [text("What look returned:"), shown, text("What the tool returned:"), shown]},
        ],
        [],
    )


# --- texts ----------------------------------------------------------------------------------------------------------


def test_lists_of_texts_alone_are_joined_for_the_roles_that_want_it() -> None:
    mixed = {"role": "user", "content": [text("a"), LINK]}
    told: list[Any] = [
        {"role": "system", "content": [text("a"), text(""), text("b")]},
        mixed,
        {"role": "assistant", "content": [text("c"), text("d")]},
        result([text("e")]),
        {"role": "assistant", "content": None},
    ]
    assert as_texts(told, Route(targets=(OPENAI, GROQ))) == [
        {"role": "system", "content": "a\n\nb"},
        mixed,
        {"role": "assistant", "content": "c\n\nd"},
        result("e"),
        {"role": "assistant", "content": None},
    ]
    assert as_texts(told, Route()) == told
