"""Chunks of every provider, and as the gateway makes them: told apart where they are not told apart for us."""

from collections.abc import Iterable
from typing import Any

import pytest

from portkey_gateway.conversation.answer import AnswerBlock, AnswerToolCall
from portkey_gateway.conversation.usage import Usage
from tests.core.chat_completions.told import block_chunk, fold_deltas, whole


def test_plain_openai_chunks() -> None:
    answer = fold_deltas(
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hel"},
        {"content": "lo"},
        choices=[],
        usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    )
    assert answer.blocks == (AnswerBlock("text", "Hello"),)
    assert answer.usage == Usage(input_tokens=5, output_tokens=2)


def test_a_refusal_is_not_text() -> None:
    answer = fold_deltas({"refusal": "I can"}, {"refusal": "not."})
    assert (answer.refusal, answer.text) == ("I cannot.", "")
    assert whole({"content": None, "refusal": "I cannot."}) == answer


def test_openrouter_gives_reasoning_and_text_one_index() -> None:
    # src/providers/openrouter/chatComplete.ts: the index is the choice's
    answer = fold_deltas(
        block_chunk(0, {"thinking": "Hm, "}),
        block_chunk(0, {"thinking": "well."}),
        {"content": "Hi", **block_chunk(0, {"text": "Hi"})},
    )
    assert answer.blocks == (AnswerBlock("thinking", "Hm, well."), AnswerBlock("text", "Hi"))
    assert answer.text == "Hi"


def call(call_id: str | None, name: str | None, arguments: str, **index: int | None) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{**index, "id": call_id, "type": "function", "function": function}]}


TWO_CALLS = (AnswerToolCall("a", "weather", '{"x":1}'), AnswerToolCall("b", "now", '{"y":2}'))


@pytest.mark.parametrize("index", [{}, {"index": None}, {"index": 0}], ids=["no index", "null", "always 0"])
def test_tool_calls_are_told_apart_by_id_where_the_index_does_not(index: dict[str, int | None]) -> None:
    # src/providers/google/chatComplete.ts: the index counts the parts of one chunk
    answer = fold_deltas(
        call("a", "weather", '{"x":', **index),
        call(None, None, "1}", **index),
        call("b", "now", '{"y":2}', **index),
    )
    assert answer.tool_calls == TWO_CALLS


def test_tool_calls_of_one_chunk_without_an_index() -> None:
    both = [call("a", "weather", '{"x":1}')["tool_calls"][0], call("b", "now", '{"y":2}')["tool_calls"][0]]
    assert fold_deltas({"tool_calls": both}).tool_calls == TWO_CALLS


def test_interleaved_tool_calls() -> None:
    answer = fold_deltas(
        call("a", "weather", "", index=0),
        call("b", "now", "", index=1),
        call("", None, '{"x"', index=0),
        call(None, None, '{"y":2}', index=1),
        call("a", None, ":1}", index=0),
    )
    assert answer.tool_calls == TWO_CALLS


def test_a_server_tool_before_any_tool_call_is_no_tool_call() -> None:
    # The gateway gives its input the index -1; in strict mode nothing else tells of it.
    assert fold_deltas(call(None, None, '{"query":1}', index=-1)).tool_calls == ()


def test_a_tool_call_after_a_server_tool_is_its_own() -> None:
    answer = fold_deltas(
        block_chunk(0, {"id": "srvtoolu_1", "name": "web_search", "input": {}}),
        call(None, None, "not JSON", index=-1),
        call("a", "weather", '{"x":1}', index=0),
        call(None, None, "", index=0),
    )
    assert answer.tool_calls == TWO_CALLS[:1]
    assert answer.blocks[0].raw == {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "web_search",
        "input": "not JSON",
    }


def test_blocks_of_an_unknown_kind_are_kept() -> None:
    unknown = {"type": "container_upload", "file_id": "file_1"}
    assert whole({"content": "", "content_blocks": [unknown]}).blocks == (AnswerBlock("other", raw=unknown),)
    answer = fold_deltas(block_chunk(0, {"of_a": "kind"}), block_chunk(0, {"title": "x"}), block_chunk(1, {}))
    assert answer.blocks == (AnswerBlock("other", raw={"of_a": "kind", "title": "x"}),)


def test_blocks_that_say_nothing_are_left_out() -> None:
    empty: list[dict[str, Any]] = [
        {"text": None},
        {"thinking": None, "signature": ""},
        {"data": ""},
        {"text": "", "citations": []},
    ]
    assert fold_deltas(*(block_chunk(index, delta) for index, delta in enumerate(empty))).blocks == ()


def test_a_citation_before_its_text_makes_no_other_block() -> None:
    answer = fold_deltas(
        block_chunk(0, {"citation": {"url": "a"}}),
        block_chunk(0, {"text": "Hi"}),
        block_chunk(0, {"citation": {"url": "b"}}),
    )
    assert answer.blocks == (AnswerBlock("text", "Hi", raw={"citations": [{"url": "a"}, {"url": "b"}]}),)


def split_emoji(*texts: str) -> Iterable[dict[str, Any]]:
    return ({"content": text, **block_chunk(0, {"text": text})} for text in texts)


def test_an_emoji_that_the_gateway_cut_in_two_is_whole_again() -> None:
    # src/providers/openai/chatComplete.ts cuts a cached answer every 500 UTF-16 units
    assert fold_deltas(*split_emoji("Sun \ud83c", "\udf1e and \ud83c", "\udf1e")).text == "Sun 🌞 and 🌞"


@pytest.mark.parametrize(
    ("texts", "text"), [(("a\ud83c", "b"), "a\ufffdb"), (("\udf1eb",), "\ufffdb"), (("a\ud83c",), "a")]
)
def test_half_an_emoji_alone_never_reaches_the_text(texts: tuple[str, ...], text: str) -> None:
    answer = fold_deltas(*split_emoji(*texts))
    assert answer.text == text
    assert answer.text.encode()


def test_half_a_surrogate_pair_in_a_whole_answer_is_read_as_in_a_streamed_one() -> None:
    assert whole({"content": "a\ud83d b"}).text == "a\ufffd b"


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text", "args"),
    [
        ("", "{}", {}),
        ('{ "a" : 1 }', '{"a":1}', {"a": 1}),
        ('{"a": "', '{"a": "', None),
        ("[1]", "[1]", None),
        ('{"a": 12345678901234567890}', '{"a":12345678901234567890}', {"a": 12345678901234567890}),
    ],
)
def test_arguments(arguments: str, text: str, args: dict[str, Any] | None) -> None:
    decoded = fold_deltas(call("a", "f", arguments, index=0)).tool_calls[0]
    assert (decoded.arguments, decoded.args) == (text, args)
