"""Rows of docs/parity.md on `Anthropic` of llama-index-llms-anthropic: calls, caching, thinking, failures, objects."""

from __future__ import annotations

import pickle
from io import BytesIO
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from tests.conformance.llamaindex_peer.conftest import SDK, llm
from tests.support.all_of_claude import SERVED, THOUGHT_AND_CALLED
from tests.support.place import Provider

HI = [ChatMessage("Hi")]
POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))
THINKING = {"type": "enabled", "budget_tokens": 1024}


def last(responses: Any) -> Any:
    return [*responses][-1]


# --- calls ------------------------------------------------------------------------------------------------------------


def test_a_stream_shows_a_text_once_its_block_has_ended(claude: Provider) -> None:
    claude.reply_with("one two three four")
    responses = [*llm(claude).stream_chat(HI)]
    contents = [response.message.content for response in responses]
    assert "".join(response.delta for response in responses) == "one two three four"
    assert not contents[0]
    assert contents[-1] == "one two three four"


def test_whole_and_streamed_answers_differ(claude: Provider) -> None:
    whole, streamed = llm(claude).chat(HI), last(llm(claude).stream_chat(HI))
    assert whole.raw.keys() != streamed.raw.keys()
    assert "usage" not in whole.message.additional_kwargs
    assert "usage" in streamed.message.additional_kwargs


def test_512_tokens_if_none_are_given_and_stop_sequences(claude: Provider) -> None:
    llm(claude).chat(HI, stop_sequences=["x"], model="claude-haiku-4-5")
    [body] = claude.bodies()
    assert (body["max_tokens"], body["stop_sequences"], body["model"]) == (512, ["x"], "claude-haiku-4-5")


def test_a_parameter_that_claude_never_sees_is_a_type_error(claude: Provider) -> None:
    with pytest.raises(TypeError, match="seed"):
        llm(claude).chat(HI, seed=1)


def test_a_window_by_model_and_an_unknown_name_is_an_error(claude: Provider) -> None:
    assert llm(claude).metadata.context_window == 1_000_000
    with pytest.raises(ValueError, match="Unknown model"):
        _ = llm(claude, model="claude-of-mine").metadata


def test_tokens_of_a_text_are_counted(claude: Provider) -> None:
    assert len(llm(claude).tokenizer.encode("one two three")) > 0


# --- messages ---------------------------------------------------------------------------------------------------------


def test_developer_messages_are_refused(claude: Provider) -> None:
    with pytest.raises(SDK.BadRequestError, match="developer"):
        llm(claude).chat([ChatMessage(role="developer", content="Be brief."), *HI])


def test_an_open_file_is_decoded_as_if_it_held_base64(claude: Provider) -> None:
    png = b"\x89PNG\r\n\x1a\n\xff"
    with pytest.raises(UnicodeDecodeError):
        llm(claude).chat(
            [ChatMessage(role="user", blocks=[ImageBlock(image=BytesIO(png), image_mimetype="image/png")])]
        )


def test_a_text_document_is_sent_as_a_pdf(claude: Provider) -> None:
    document = DocumentBlock(data=b"A text.", document_mimetype="text/plain")
    with pytest.raises(SDK.BadRequestError):
        llm(claude).chat([ChatMessage(role="user", blocks=[document])])


@pytest.mark.parametrize("block", [AudioBlock(audio=b"a", format="wav"), VideoBlock(video=b"a")])
def test_sounds_and_videos_are_errors(claude: Provider, block: Any) -> None:
    with pytest.raises(ValueError, match="Unsupported"):
        llm(claude).chat([ChatMessage(role="user", blocks=[block])])


def test_citations_of_search_results_are_blocks_and_others_stand_apart(claude: Provider) -> None:
    citable = CitableBlock(title="Sky", source="s", content=[TextBlock(text="The sky is blue.")])
    claude.reply_with(*[block for block in THOUGHT_AND_CALLED if block["type"] == "text"])
    answer = llm(claude).chat([ChatMessage(role="user", blocks=[citable, TextBlock(text="What colour?")])])
    assert claude.bodies()[-1]["messages"][0]["content"][0]["type"] == "search_result"
    assert len([block for block in answer.message.blocks if isinstance(block, CitationBlock)]) == 1
    assert len(answer.citations) == 4


def test_what_server_tools_said_is_lost(claude: Provider) -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    claude.reply_with(*SERVED[:4])
    answer = llm(claude, tools=tools).chat(HI)
    llm(claude, tools=tools).chat([*HI, answer.message, ChatMessage("And?")])
    replayed = claude.bodies()[-1]["messages"][1]["content"]
    assert {block["type"] for block in replayed} == {"text"}


@pytest.mark.parametrize("call_id", ["functions.f:0", "call|fc_1:2"])
def test_an_odd_id_of_a_call_is_refused(claude: Provider, call_id: str) -> None:
    call = ToolCallBlock(tool_call_id=call_id, tool_name="look", tool_kwargs={})
    result = ChatMessage(role="tool", content="blue", additional_kwargs={"tool_call_id": call_id})
    with pytest.raises(SDK.BadRequestError, match="pattern"):
        llm(claude).chat([*HI, ChatMessage(role="assistant", blocks=[call]), result])


# --- prompt caching ---------------------------------------------------------------------------------------------------


def test_cache_idx_writes_into_the_messages(claude: Provider) -> None:
    messages = [ChatMessage("Hi")]
    llm(claude, model="claude-sonnet-4-5", cache_idx=-1).chat(messages)
    assert "cache_control" in messages[0].additional_kwargs


def test_cache_idx_marks_every_message_up_to_it(claude: Provider) -> None:
    messages = [ChatMessage(f"Hi {index}", role=role) for index in range(3) for role in ("user", "assistant")]
    with pytest.raises(SDK.BadRequestError, match="cache_control"):
        llm(claude, model="claude-sonnet-4-5", cache_idx=-1).chat([*messages, *HI])


def test_a_cache_point_of_the_system_is_dropped(claude: Provider) -> None:
    system = ChatMessage(role="system", blocks=[TextBlock(text="Be brief."), POINT])
    user = ChatMessage(role="user", blocks=[TextBlock(text="Hi"), POINT])
    llm(claude).chat([system, user])
    [body] = claude.bodies()
    assert "cache_control" not in str(body["system"])
    assert "cache_control" in str(body["messages"])


def test_cache_figures_of_a_stream_are_not_in_the_usage_of_its_message(claude: Provider) -> None:
    usage = last(llm(claude).stream_chat(HI)).message.additional_kwargs["usage"]
    assert usage.keys() == {"input_tokens", "output_tokens"}


# --- thinking ---------------------------------------------------------------------------------------------------------


def test_thoughts_are_told_in_the_message(claude: Provider) -> None:
    claude.reply_with({"type": "thinking", "thinking": "Hm."}, {"type": "redacted_thinking", "text": "Hm."}, "Hi.")
    thinking = llm(claude, thinking_dict=THINKING, max_tokens=2000)
    responses = [*thinking.stream_chat(HI)]
    assert any("Hm." in str(each.message.additional_kwargs.get("thinking_delta")) for each in responses)
    assert not any("thinking_delta" in each.additional_kwargs for each in responses)
    kinds = [type(block) for block in responses[-1].message.blocks]
    assert kinds.count(ThinkingBlock) == 1


def test_redacted_thoughts_are_in_raw_alone(claude: Provider) -> None:
    claude.reply_with({"type": "redacted_thinking", "text": "Hm."}, "Hi.")
    answer = llm(claude, thinking_dict=THINKING, max_tokens=2000).chat(HI)
    assert [type(block) for block in answer.message.blocks] == [TextBlock]
    assert answer.raw["content"][0].type == "redacted_thinking"


def test_thoughts_of_another_model_are_refused(claude: Provider) -> None:
    thought = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="Hm."), TextBlock(text="Hi.")])
    with pytest.raises(SDK.BadRequestError):
        llm(claude).chat([*HI, thought, *HI])


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_stream_that_just_ends_passes_for_a_whole_answer(claude: Provider) -> None:
    claude.fail_with("truncate", after=4)
    assert last(llm(claude).stream_chat(HI))


def test_a_page_is_an_attribute_error_and_streamed_an_empty_answer(claude: Provider) -> None:
    claude.fail_with("html", times=2)
    with pytest.raises(AttributeError):
        llm(claude).chat(HI)
    assert [*llm(claude).stream_chat(HI)] == []


def test_an_error_in_the_middle_is_one(claude: Provider) -> None:
    claude.fail_with("error_mid_stream", after=4)
    with pytest.raises(SDK.APIStatusError):
        last(llm(claude).stream_chat(HI))


# --- objects ----------------------------------------------------------------------------------------------------------


def test_a_dump_holds_no_key(claude: Provider) -> None:
    assert "sk-ant" not in str(llm(claude).to_dict())


def test_a_pickle_loads_and_cannot_call(claude: Provider) -> None:
    again = pickle.loads(pickle.dumps(llm(claude)))
    with pytest.raises((AttributeError, TypeError)):
        again.chat(HI)


def test_a_stream_asks_at_the_call(claude: Provider) -> None:
    claude.fail_with("status", status=400)
    with pytest.raises(SDK.BadRequestError):
        llm(claude).stream_chat(HI)


def test_a_typing_error_in_an_option_is_a_type_error(claude: Provider) -> None:
    with pytest.raises(TypeError, match="max_token"):
        llm(claude, max_token=5)


def test_a_value_that_nobody_knows_is_a_400(claude: Provider) -> None:
    with pytest.raises(SDK.BadRequestError):
        llm(claude).chat(HI, output_config={"effort": "hgih"})
