"""Messages as whoever may answer takes them."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway import PortkeyWarning
from portkey_gateway.chat_completions.fit_messages import as_texts, fit_messages
from portkey_gateway.routing import Route

GEMINI = ("google", "gemini-2.5-flash")
OPENAI = ("openai", "gpt-5")
MISTRAL = ("mistral-ai", "mistral-large-latest")
COHERE = ("cohere", "command-a-03-2025")
DEEPSEEK = ("deepseek", "deepseek-chat")
BEDROCK = ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")
LLAMA = ("bedrock", "meta.llama3-70b-instruct-v1:0")
ANTHROPIC = ("anthropic", "claude-sonnet-4-5")
USER = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def system(*texts: str) -> dict[str, Any]:
    return {"role": "system", "content": [*map(text, texts)]}


def call(call_id: str = "call_1", name: str = "look") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": '{"at":"sky"}'}}


def calling(*calls: dict[str, Any], said: Any = None) -> dict[str, Any]:
    return {"role": "assistant", "content": said, "tool_calls": [*calls]}


def result(content: Any = "blue", call_id: str = "call_1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def contents(messages: list[Any]) -> list[Any]:
    return [message["content"] for message in messages]


def fit(messages: list[Any], *targets: Any, has_tools: bool = True, **more: Any) -> list[Any]:
    return [*fit_messages(messages, Route(targets=targets, **more), has_tools=has_tools)]


@pytest.mark.parametrize("targets", [[GEMINI], [MISTRAL], [OPENAI, GEMINI]])
def test_system_messages_become_one_at_the_top(targets: list[Any]) -> None:
    told = [system("a", "b"), USER, {"role": "developer", "content": "c"}]
    assert fit(told, *targets) == [{"role": "system", "content": "a\n\nb\n\nc"}, USER]


@pytest.mark.parametrize("targets", [[OPENAI], [ANTHROPIC], [("@team/gpt-5", "x")], []])
def test_others_get_them_as_they_stand(targets: list[Any]) -> None:
    told = [system("a", "b"), USER, system("c")]
    assert fit(told, *targets) == told


def test_without_system_messages_none_is_made() -> None:
    assert fit([USER], GEMINI) == [USER]
    assert fit([system(""), USER], GEMINI) == [USER]


# --- tools ----------------------------------------------------------------------------------------------------------


def test_results_name_their_tools_where_only_geminis_answer() -> None:
    told = [USER, calling(call()), result()]
    assert fit(told, GEMINI)[-1] == {**result(), "name": "look"}
    assert fit(told, GEMINI, OPENAI)[-1] == result()


@pytest.mark.parametrize("said", ["I will look.", [text("I will"), text("look.")]])
def test_what_is_said_beside_a_call_stands_before_it(said: Any) -> None:
    _, before, called, _ = fit([USER, calling(call(), said=said), result()], GEMINI)
    assert before["role"] == "assistant"
    assert before["content"].split() == ["I", "will", "look."]
    assert called == calling(call())


def test_it_stays_where_another_may_answer_and_that_is_said() -> None:
    told = [USER, calling(call(), said="I will look."), result()]
    with pytest.warns(PortkeyWarning, match="said beside a tool call does not reach Gemini"):
        assert fit(told, OPENAI, GEMINI) == told


def test_ids_of_calls_fit_mistral() -> None:
    told = [USER, calling(call("call_1"), call("D681PevKs")), result(call_id="call_1"), result(call_id="D681PevKs")]
    _, called, first, second = fit(told, MISTRAL)
    [fitted, kept] = [each["id"] for each in called["tool_calls"]]
    assert (first["tool_call_id"], second["tool_call_id"]) == (fitted, kept) == (fitted, "D681PevKs")
    assert len(fitted) == 9
    assert fitted.isalnum()
    in_content = {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "look", "input": {}}]}
    assert fit([USER, in_content], MISTRAL)[1]["content"][0]["id"] == fitted


def test_a_name_is_left_out_for_mistral() -> None:
    with pytest.warns(PortkeyWarning, match="the name of a message is left out: Mistral takes none"):
        assert fit([{**USER, "name": "Ann"}], MISTRAL) == [USER]


def test_cohere_is_told_of_calls_in_words() -> None:
    with pytest.warns(PortkeyWarning, match="tool calls of earlier turns do not reach Cohere as such"):
        _, called, answered = fit([USER, calling(call(), said="I will look."), result()], COHERE)
    assert called == {"role": "assistant", "content": 'I will look.\nCalling look with {"at":"sky"}'}
    assert answered == {"role": "user", "content": "Result of look: blue"}


@pytest.mark.parametrize("other", [OPENAI, GEMINI])
def test_others_are_told_of_calls_in_words_where_cohere_may_answer(other: Any) -> None:
    told = [USER, calling(call(), said="I will look."), result()]
    with pytest.warns(PortkeyWarning, match=r"do not reach Cohere as such.*; they are told in words, .* too") as caught:
        assert fit(told, other, COHERE)[1:] == [
            {"role": "assistant", "content": 'I will look.\nCalling look with {"at":"sky"}'},
            {"role": "user", "content": "Result of look: blue"},
        ]
    assert len({str(each.message) for each in caught}) == 1


@pytest.mark.parametrize("targets", [[BEDROCK], [LLAMA], [OPENAI, BEDROCK]])
def test_bedrock_is_told_of_calls_in_words_where_no_tools_are_offered(targets: list[Any]) -> None:
    in_content = [text("I will look."), {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": "sky"}}]
    failed = {**result("bad"), "is_error": True}
    for calls in (calling(call(), said="I will look."), {"role": "assistant", "content": in_content}):
        with pytest.warns(PortkeyWarning, match="are refused by .* on Bedrock where no tools are offered: bind them"):
            _, called, answered = fit([USER, calls, failed], *targets, has_tools=False)
        assert called == {"role": "assistant", "content": 'I will look.\nCalling look with {"at":"sky"}'}
        assert answered == {"role": "user", "content": "Result of look: Error: bad"}


def test_calls_stay_calls_where_bedrock_sees_their_tools() -> None:
    told = [USER, calling(call()), result()]
    assert fit(told, BEDROCK) == told
    assert fit(told, OPENAI, has_tools=False) == told
    assert fit([USER], BEDROCK, has_tools=False) == [USER]


@pytest.mark.parametrize("targets", [[COHERE], [OPENAI, GEMINI]])
def test_of_what_the_hosted_gateway_drops_nothing_is_known(targets: list[Any]) -> None:
    told = [USER, calling(call(), said="I will look."), result()]
    assert fit(told, *targets, gateway="hosted") == told


# --- what tools returned --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "more"),
    [([OPENAI], {}), ([GEMINI], {}), ([BEDROCK], {"is_claude": True}), ([], {}),
     ([ANTHROPIC, OPENAI], {"is_claude": True, "is_mixed": True})],
)  # fmt: skip
def test_media_of_results_are_shown_behind_all_results(targets: list[Any], more: dict[str, Any]) -> None:
    told = [
        USER,
        calling(call("a"), call("b", "taste")),
        result([text("Here:"), IMAGE], "a"),
        result([IMAGE], "b"),
        USER,
    ]
    fitted = fit(told, *targets, **more)
    assert [message["role"] for message in fitted] == ["user", "assistant", "tool", "tool", "user", "user"]
    first, second, shown = fitted[2:5]
    assert first["content"] == [text("Here:")]
    assert second["content"] == "What it returned is shown in the next message."
    assert shown["content"] == [text("What look returned:"), IMAGE, text("What taste returned:"), IMAGE]
    assert fit(told[:-1], *targets, **more)[-1] == shown


def test_other_blocks_of_results_stay_in_them() -> None:
    found = {"type": "search_result", "source": "https://a.org", "title": "A", "content": [text("a")]}
    told = [USER, calling(call()), result([found])]
    assert fit(told, OPENAI) == told


def test_they_stay_where_only_claudes_answer() -> None:
    told = [USER, calling(call()), result([IMAGE])]
    assert fit(told, ANTHROPIC, is_claude=True) == told


def test_a_mistral_on_vertex_ai_hears_the_same() -> None:
    told = [
        USER,
        {"role": "system", "content": "Be brief."},
        {**USER, "name": "Ann"},
        calling(call("call_1")),
        result(call_id="call_1"),
        USER,
    ]
    with pytest.warns(PortkeyWarning, match="the name of a message is left out: Mistral on Vertex AI takes none"):
        on_vertex = fit(told, ("vertex-ai", "mistralai.mistral-large-2411"))
    with pytest.warns(PortkeyWarning, match="the name of a message is left out: Mistral takes none"):
        assert on_vertex == fit(told, MISTRAL)
    assert [message["role"] for message in on_vertex] == [
        "system", "user", "user", "assistant", "tool", "assistant", "user",
    ]  # fmt: skip


def test_mistral_hears_of_a_user_behind_an_answer() -> None:
    heard = {"role": "assistant", "content": "I have read it."}
    told = [USER, calling(call("D681PevKs")), result(call_id="D681PevKs")]
    assert fit([*told, USER], MISTRAL) == [*told, heard, USER]
    assert fit([*told, USER], OPENAI, MISTRAL) == [*told, heard, USER]
    assert fit([*told, heard], MISTRAL) == [*told, heard]
    *_, before, shown = fit([*told[:-1], result([IMAGE], "D681PevKs")], MISTRAL)
    assert before == heard
    assert shown["content"] == [text("What look returned:"), IMAGE]


# --- texts ----------------------------------------------------------------------------------------------------------


def test_lists_of_texts_become_texts_where_that_is_wanted() -> None:
    told: list[Any] = [system("a", "b"), {"role": "user", "content": [text("c"), text("d")]}, USER]
    assert contents(as_texts(told, Route(targets=(DEEPSEEK,)))) == ["a\n\nb", "c\n\nd", "Hi"]
    groq = Route(targets=(("groq", "llama-3.3-70b-versatile"),))
    assert contents(as_texts(told, groq)) == ["a\n\nb", told[1]["content"], "Hi"]
    assert as_texts(told, Route(targets=(OPENAI,))) == told


@pytest.mark.parametrize("target", [BEDROCK, LLAMA])
def test_marks_of_calls_and_results_stay_on_what_is_said_in_words(target: Any) -> None:
    mark = {"type": "ephemeral"}
    told = [USER, calling({**call(), "cache_control": mark}), result([{**text("blue"), "cache_control": mark}])]
    with pytest.warns(PortkeyWarning, match="told in words"):
        _, called, answered = fit(told, target, has_tools=False)
    assert called["content"] == [{**text('Calling look with {"at":"sky"}'), "cache_control": mark}]
    assert answered["content"] == [{**text("Result of look: blue"), "cache_control": mark}]


@pytest.mark.parametrize("target", [BEDROCK, LLAMA])
def test_bedrock_hears_users_and_answers_by_turns(target: Any) -> None:
    answer = {"role": "assistant", "content": "One."}
    told = fit([answer, calling(call(), said=[text("Two.")]), result(), USER], target)
    assert [message["role"] for message in told][-3:] == ["assistant", "tool", "user"]
    assert told[-3] == {**calling(call()), "content": [text("One."), text("Two.")]}
    assert told[0]["role"] == "user"
    assert fit([USER, answer, answer], OPENAI) == [USER, answer, answer]
