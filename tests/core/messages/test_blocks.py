"""Messages of a conversation as Anthropic's: nothing of them is lost, and neighbours of one side are one message."""

import copy
from typing import Any

import pytest

from portkey_gateway.errors import ContentError, EncodingError
from portkey_gateway.messages.blocks import encode_block, encode_messages, encode_system

MARK = {"type": "ephemeral", "ttl": "1h"}
SAID = {"type": "text", "text": "Hi"}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
USE = {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "it"}}
ASKED = {"role": "user", "content": "Hi"}


def call(name: str = "c1", arguments: str = '{"at": "it"}', **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "function", "function": {"name": "look", "arguments": arguments}, **more}


def result(name: str, content: Any = "sunny", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": content, **more}


def told(name: str, content: Any = "sunny", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "content": content, **more}


def encoded(*messages: dict[str, Any]) -> Any:
    given: Any = list(messages)
    before = copy.deepcopy(given)
    made = encode_messages(given)
    assert given == before
    return made


def assistant(**said: Any) -> Any:
    [message] = encoded({"role": "assistant", **said})
    assert message["role"] == "assistant"
    return message["content"]


def user(*blocks: dict[str, Any]) -> Any:
    [message] = encoded({"role": "user", "content": [*blocks]})
    return message["content"]


# --- system -----------------------------------------------------------------------------------------------------------


def test_system_messages_are_hoisted_wherever_they_stand() -> None:
    marked = {"type": "text", "text": "Be kind.", "cache_control": MARK}
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        ASKED,
        {"role": "developer", "content": [marked, SAID]},
        {"role": "system", "content": ""},
    ]
    assert encode_system(messages) == [{"type": "text", "text": "Be brief."}, marked, SAID]
    assert encode_messages(messages) == [ASKED]
    assert encode_system([]) == []


# --- neighbours -------------------------------------------------------------------------------------------------------


def test_neighbours_of_one_side_become_one_message() -> None:
    assert encoded(
        ASKED,
        {"role": "user", "content": [{"type": "text", "text": "there"}]},
        {"role": "assistant", "content": "Hello."},
        {"role": "assistant", "content": "And?"},
        ASKED,
    ) == [
        {"role": "user", "content": [SAID, {"type": "text", "text": "there"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello."}, {"type": "text", "text": "And?"}]},
        ASKED,
    ]


def test_results_of_parallel_calls_and_what_the_user_adds_are_one_message() -> None:
    calls = [call("c1"), call("c2")]
    asked = {"role": "assistant", "content": "I look.", "tool_calls": calls}
    _, _, answered = encoded(ASKED, asked, result("c1"), result("c2", "rainy"), ASKED)
    assert answered == {"role": "user", "content": [told("c1"), told("c2", "rainy"), SAID]}


def test_a_system_message_in_between_parts_no_neighbours() -> None:
    assert encoded(ASKED, {"role": "system", "content": "Be brief."}, ASKED) == [
        {"role": "user", "content": [SAID, SAID]}
    ]


def test_an_answer_of_nothing_is_no_message() -> None:
    assert encoded(ASKED, {"role": "assistant", "content": ""}, ASKED) == [{"role": "user", "content": [SAID, SAID]}]


# --- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "sent"), [("", ""), (None, []), ([], []), ("sunny", "sunny"), ([SAID], [SAID])])
def test_a_result_stays_a_text_or_blocks_and_may_be_empty(content: Any, sent: Any) -> None:
    assert encoded(result("c1", content)) == [{"role": "user", "content": [told("c1", sent)]}]


@pytest.mark.parametrize("content", ["", [], None])
def test_a_failure_without_a_word_is_said_in_one(content: Any) -> None:
    """Anthropic refuses a tool result that is an error and empty."""
    assert encoded(result("c1", content, is_error=True))[0]["content"] == [told("c1", "Error", is_error=True)]


def test_a_tool_that_failed_is_told_as_failed_and_not_in_words() -> None:
    failed, fine = result("c1", "no such city", is_error=True), result("c2", is_error=False)
    [message] = encoded(failed, fine)
    assert message["content"] == [
        told("c1", "no such city", is_error=True),
        told("c2"),
    ]


def test_a_result_shows_media_in_either_form_and_bears_their_mark() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a.org/a.png"}, "cache_control": MARK}
    own = {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "Plan"}
    [message] = encoded(result("c1", [image, own]))
    url = {"type": "image", "source": {"type": "url", "url": "https://a.org/a.png"}}
    assert message["content"] == [{**told("c1", [url, own]), "cache_control": MARK}]


# --- calls ------------------------------------------------------------------------------------------------------------


def test_calls_follow_what_was_said() -> None:
    later = call("c2", "")
    assert assistant(content="Hi", tool_calls=[call(), later]) == [SAID, USE, {**USE, "id": "c2", "input": {}}]
    assert assistant(content=None, tool_calls=[call()]) == [USE]


def test_a_call_among_the_blocks_keeps_its_place_and_counts_once() -> None:
    other = call("c2")
    assert assistant(content=[THOUGHT, USE, SAID], tool_calls=[call(), other]) == [
        THOUGHT,
        USE,
        SAID,
        {**USE, "id": "c2"},
    ]
    assert assistant(content=[USE]) == [USE]


def test_a_call_keeps_its_caller_and_its_mark() -> None:
    caller = {"type": "code_execution_20250825", "tool_id": "s1"}
    assert assistant(tool_calls=[call(caller=caller, cache_control=MARK)]) == [
        {**USE, "caller": caller, "cache_control": MARK}
    ]


@pytest.mark.parametrize("arguments", ['{"at": "i', "[1]", "null", "sunny", "5"])
def test_arguments_that_are_no_object_are_an_error_that_names_the_call(arguments: str) -> None:
    named = r"messages\[1\]\.tool_calls\[1\]: the arguments of 'look' are no JSON object"
    with pytest.raises(EncodingError, match=named):
        encoded(ASKED, {"role": "assistant", "tool_calls": [call(), call("c2", arguments)]})


# --- replayed answers -------------------------------------------------------------------------------------------------


def test_an_answer_is_replayed_block_by_block() -> None:
    blocks = [
        THOUGHT,
        {"type": "redacted_thinking", "data": "x"},
        SAID,
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
    ]
    assert assistant(content=blocks) == blocks


def test_what_the_gateway_answered_with_stands_in_place_of_content() -> None:
    assert assistant(content="Hi", content_blocks=[THOUGHT, SAID]) == [THOUGHT, SAID]
    assert assistant(content="Hi", content_blocks=[]) == [SAID]


def test_citations_are_replayed_without_the_file_s_id() -> None:
    citation = {"type": "char_location", "cited_text": "Hi", "document_index": 0, "file_id": "file_1"}
    rest = {name: value for name, value in citation.items() if name != "file_id"}
    assert assistant(content=[{**SAID, "citations": [citation, rest]}]) == [{**SAID, "citations": [rest, rest]}]


# --- blocks of users --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "Hi", "cache_control": MARK},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}, "cache_control": MARK},
        {
            "type": "document",
            "source": {"type": "content", "content": [SAID]},
            "title": "Plan",
            "context": "Of last year.",
            "citations": {"enabled": True},
            "cache_control": MARK,
        },
        {"type": "search_result", "source": "https://a.org", "title": "A", "content": [SAID]},
        {"type": "of_a_kind_that_nobody_knows", "x": 1},
    ],
)
def test_anthropics_own_blocks_arrive_as_they_are(block: dict[str, Any]) -> None:
    assert user(block) == [block]


@pytest.mark.parametrize(
    ("block", "source"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO", "detail": "low"}},
            {"type": "base64", "media_type": "image/png", "data": "iVBO"},
        ),
        ({"type": "image_url", "image_url": {"url": "https://a.org/a"}}, {"type": "url", "url": "https://a.org/a"}),
        ({"type": "file", "file": {"file_url": "https://a.org/a"}}, {"type": "url", "url": "https://a.org/a"}),
        ({"type": "file", "file": {"file_id": "file_1"}}, {"type": "file", "file_id": "file_1"}),
        (
            {"type": "file", "file": {"mime_type": "text/plain", "file_data": "A text."}},
            {"type": "text", "media_type": "text/plain", "data": "A text."},
        ),
    ],
)
def test_openais_media_become_anthropics_with_their_marks(block: dict[str, Any], source: dict[str, Any]) -> None:
    kind = "image" if block["type"] == "image_url" else "document"
    assert user({**block, "cache_control": MARK}) == [{"type": kind, "source": source, "cache_control": MARK}]


def test_how_closely_openai_looks_at_an_image_is_not_said() -> None:
    source = {"type": "url", "url": "https://a.org/a.png"}
    assert user({"type": "image", "source": source, "detail": "low"}) == [{"type": "image", "source": source}]


@pytest.mark.parametrize("kind", ["input_audio", "audio", "video", "video_url", "refusal"])
def test_what_claude_does_not_take_is_refused_by_its_name_and_place(kind: str) -> None:
    with pytest.raises(
        ContentError, match=rf"messages\[0\]\.content\[1\] is a block of type '{kind}', which Claude does not"
    ):
        user(SAID, {"type": kind})
    with pytest.raises(ContentError, match=f"here is a block of type '{kind}'"):
        encode_block({"type": kind}, "here")


@pytest.mark.parametrize("role", ["user", "tool"])
def test_a_data_url_travels_as_its_data(role: str) -> None:
    given = {"type": "data_url", "media_type": "image/png", "url": "data:image/png;base64,iVBO"}
    picture = {"type": "image", "source": given}
    sent = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
    if role == "user":
        assert user(picture) == [sent]
    else:
        [message] = encoded(result("c1", [picture]))
        assert message["content"] == [told("c1", [sent])]
