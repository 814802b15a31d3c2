"""LlamaIndex messages become those of the conversation, which each format carries as far as it can."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

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
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from portkey_gateway import ContentError, EncodingError, PortkeyWarning
from portkey_gateway.routing import Route
from portkey_llamaindex import Portkey
from portkey_llamaindex.encode import encode_messages, warn_of_uncited
from tests.llamaindex.media import PDF, PDF_SOURCE, PNG, PNG_SOURCE, PNG_URL
from tests.support.media import BMP, MP4, WAV
from tests.support.recording import RecordingServer

MARK = {"type": "ephemeral"}
URL_IMAGE = ImageBlock(url="https://example.org/a.png")
HOUR = {"type": "ephemeral", "ttl": "1h"}
POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))
HOUR_POINT = CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h"))
CALL = ToolCallBlock(tool_call_id="toolu_1", tool_name="add", tool_kwargs={"a": 1})
WIRE_CALL = {"id": "toolu_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
WIRE_USE = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
THINKING = ThinkingBlock(content="hm", additional_information={"signature": "sig"})
WIRE_THINKING = {"type": "thinking", "thinking": "hm", "signature": "sig"}


def encode(*blocks: Any, role: str = "user", **kwargs: Any) -> dict[str, Any]:
    message = ChatMessage(role=MessageRole(role), blocks=list(blocks), additional_kwargs=kwargs)
    [encoded] = encode_messages([message])
    return cast("dict[str, Any]", encoded)


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_a_single_text_is_a_string(role: str) -> None:
    assert encode(TextBlock(text="Hello"), role=role) == {"role": role, "content": "Hello"}


@pytest.mark.parametrize(("role", "sent"), [("chatbot", "assistant"), ("model", "assistant"), ("function", "tool")])
def test_every_role_of_llamaindex_has_one_on_the_wire(role: str, sent: str) -> None:
    assert encode(TextBlock(text="Hello"), role=role, tool_call_id="1")["role"] == sent


def test_a_role_may_be_set_later_as_text() -> None:
    message = ChatMessage("Hello!")
    message.role = cast("Any", "assistant")
    assert encode_messages([message, ChatMessage("Hi!")]) == [
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Hi!"},
    ]


def test_a_citable_block_is_warned_of_whoever_set_the_role() -> None:
    class Own(CitableBlock):
        pass

    message = ChatMessage(role="user", blocks=[Own(title="t", source="s", content=[TextBlock(text="x")])])
    message.role = cast("Any", "user")
    with pytest.warns(PortkeyWarning, match="a CitableBlock of a user's message reaches Claude as text"):
        warn_of_uncited([message], Route(is_claude=True))


@pytest.mark.parametrize("role", ["system", "developer", "user", "tool"])
def test_a_cache_point_marks_the_block_before_it(role: str) -> None:
    encoded = encode(TextBlock(text="a"), POINT, TextBlock(text="b"), HOUR_POINT, role=role, tool_call_id="1")
    assert encoded["content"] == [text("a", cache_control=MARK), text("b", cache_control=HOUR)]


def test_the_older_way_to_mark_a_message_marks_its_last_block() -> None:
    encoded = encode(TextBlock(text="a"), TextBlock(text="b"), cache_control=MARK)
    assert encoded["content"] == [text("a"), text("b", cache_control=MARK)]


def test_a_cache_point_in_an_assistant_message_marks_text_or_tool_call() -> None:
    encoded = encode(TextBlock(text="a"), POINT, CALL, POINT, role="assistant")
    assert encoded["content"] == [text("a", cache_control=MARK)]
    assert encoded["tool_calls"] == [{**WIRE_CALL, "cache_control": MARK}]


def test_a_cache_point_after_the_text_that_follows_a_tool_call_marks_the_text() -> None:
    encoded = encode(CALL, TextBlock(text="a"), POINT, role="assistant")
    assert encoded["content"] == [WIRE_USE, text("a", cache_control=MARK)]


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_cache_point_with_nothing_before_it_is_an_error(role: str) -> None:
    with pytest.raises(EncodingError, match=r"messages\[0\]\.blocks\[1\] marks nothing"):
        encode(TextBlock(text=""), POINT, role=role)


def test_thinking_cannot_be_marked() -> None:
    with pytest.raises(EncodingError, match=r"blocks\[2\] marks thinking"):
        encode(TextBlock(text="a"), THINKING, POINT, role="assistant")


@pytest.mark.parametrize("control", [{"type": "persistent"}, {"type": "ephemeral", "ttl": "2h"}])
def test_a_cache_point_that_anthropic_does_not_know_is_an_error(control: dict[str, str]) -> None:
    with pytest.raises(EncodingError, match="must be"):
        encode(TextBlock(text="a"), CachePoint(cache_control=CacheControl(**control)))


def test_images_and_documents_keep_their_mark_and_their_title() -> None:
    blocks = ImageBlock(image=PNG), POINT, DocumentBlock(data=PDF, title="Report"), HOUR_POINT, URL_IMAGE, POINT
    assert encode(*blocks)["content"] == [
        {"type": "image", "source": PNG_SOURCE, "cache_control": MARK},
        {"type": "document", "source": PDF_SOURCE, "title": "Report", "cache_control": HOUR},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}, "cache_control": MARK},
    ]


def test_a_tool_result_holds_images_and_documents() -> None:
    encoded = encode(TextBlock(text="a"), ImageBlock(image=PNG), DocumentBlock(data=PDF, title="Report"), role="tool",
                     tool_call_id="toolu_1")  # fmt: skip
    assert encoded["tool_call_id"] == "toolu_1"
    assert encoded["content"] == [
        text("a"),
        {"type": "image", "source": PNG_SOURCE},
        {"type": "document", "source": PDF_SOURCE, "title": "Report"},
    ]


def test_an_image_where_no_model_takes_one_is_an_error() -> None:
    with pytest.raises(ContentError, match=r"blocks\[0\]: a system message cannot carry this image"):
        encode(ImageBlock(image=PNG), role="system")


@pytest.mark.parametrize(
    "block", [ImageBlock(url="https://a.org/b.png"), AudioBlock(audio=b"RIFF"), DocumentBlock(data=PDF)]
)
def test_what_a_model_showed_is_left_out_and_the_conversation_goes_on(block: Any) -> None:
    with pytest.warns(PortkeyWarning, match=rf"blocks\[0\] is of type {type(block).__name__}, which no model takes"):
        encoded = encode(block, TextBlock(text="a"), CALL, role="assistant")
    assert encoded == {"role": "assistant", "content": "a", "tool_calls": [WIRE_CALL]}


def test_a_picture_that_a_model_drew_goes_along_as_far_as_the_core() -> None:
    """Which knows who may answer."""
    encoded = encode(ImageBlock(image=PNG), TextBlock(text="a"), role="assistant")
    assert encoded["content"] == [{"type": "image", "source": PNG_SOURCE}, text("a")]


def test_calls_keep_their_place_among_the_rest() -> None:
    other = ToolCallBlock(tool_call_id="toolu_2", tool_name="add", tool_kwargs="{}")
    encoded = encode(THINKING, CALL, TextBlock(text="a"), other, role="assistant")
    assert encoded["content"] == [WIRE_THINKING, WIRE_USE, text("a"), {**WIRE_USE, "id": "toolu_2", "input": {}}]
    assert "tool_calls" not in encoded


def test_an_image_in_a_tool_result_is_shown_to_another_model_behind_it(
    recorded: Portkey, server: RecordingServer
) -> None:
    shown = ChatMessage(
        role=MessageRole.TOOL, blocks=[ImageBlock(image=PNG)], additional_kwargs={"tool_call_id": "toolu_1"}
    )
    history = [ChatMessage("Add"), ChatMessage(role=MessageRole.ASSISTANT, blocks=[CALL]), shown]
    recorded.with_options(model="gpt-5", provider="openai").chat(history)
    *_, result, shown_below = server.requests[-1].json["messages"]
    assert (result["role"], shown_below["role"]) == ("tool", "user")
    assert shown_below["content"][1]["image_url"]["url"] == PNG_URL


@pytest.mark.parametrize(("block", "name"), [
    (CALL, "ToolCallBlock"),
    (THINKING, "ThinkingBlock"),
])  # fmt: skip
def test_a_block_nobody_can_send_is_an_error_that_names_it(block: Any, name: str) -> None:
    with pytest.raises(ContentError, match=rf"messages\[0\]\.blocks\[1\] is of type {name}, which a user message"):
        encode(TextBlock(text="look"), block)


@pytest.mark.parametrize(("block", "kind", "media_type", "detail"), [
    (AudioBlock(audio=WAV), "audio", "audio/wav", None),
    (AudioBlock(audio=b"ID3" + bytes(30), format="mp3"), "audio", "audio/mp3", None),
    (VideoBlock(video=MP4), "video", "video/mp4", None),
    (ImageBlock(image=BMP, detail="low"), "image", "image/bmp", "low"),
    (ImageBlock(image=PNG, detail="high"), "image", "image/png", "high"),
])  # fmt: skip
def test_media_of_every_kind_are_told_as_they_are(block: Any, kind: str, media_type: str, detail: str | None) -> None:
    [told] = encode(block)["content"]
    assert (told["type"], told["source"]["media_type"], told.get("detail")) == (kind, media_type, detail)


def test_a_citable_block_is_its_content_under_its_title() -> None:
    block = CitableBlock(title="Tides", source="https://example.org", content=[TextBlock(text="High at noon.")])
    assert encode(block)["content"] == [text("Tides (https://example.org):"), text("High at noon.")]


def test_what_a_tool_gives_back_and_no_model_takes_is_told_in_words() -> None:
    broken = ImageBlock(image=b"no image at all")
    with pytest.warns(PortkeyWarning, match="a block of a tool's result is told of in words") as warned:
        encoded = encode(AudioBlock(audio=WAV), THINKING, CALL, broken, role="tool", tool_call_id="1")
    assert [part["text"] for part in encoded["content"]] == [
        "(AudioBlock, which cannot be shown)",
        '{"name":"add","arguments":{"a":1}}',
        "(ImageBlock, which cannot be shown)",
    ]
    assert len(warned) == 2


def test_of_a_citable_block_in_an_assistant_s_past_the_text_is_told() -> None:
    block = CitableBlock(title="Tides", source="s", content=[TextBlock(text="High."), ImageBlock(image=PNG)])
    assert encode(block, role="assistant")["content"] == "High."


def test_a_citation_is_what_it_cites_but_is_not_repeated_to_the_one_who_made_it() -> None:
    block = CitationBlock(
        cited_content=TextBlock(text="High at noon."), source="s", title="t", additional_location_info={}
    )
    assert encode(block)["content"] == "High at noon."
    assert encode(TextBlock(text="At noon."), block, role="assistant")["content"] == "At noon."


def test_thinking_is_replayed_in_its_place() -> None:
    encoded = encode(THINKING, TextBlock(text="a"), CALL, role="assistant")
    assert encoded["content"] == [WIRE_THINKING, text("a")]
    assert encoded["tool_calls"] == [WIRE_CALL]


def test_redacted_thinking_is_replayed() -> None:
    encoded = encode(ThinkingBlock(additional_information={"data": "xyz"}), role="assistant")
    assert encoded["content"] == [{"type": "redacted_thinking", "data": "xyz"}]


def test_thinking_without_a_signature_stays_behind() -> None:
    encoded = encode(ThinkingBlock(content="hm"), TextBlock(text="a"), role="assistant")
    assert encoded == {"role": "assistant", "content": "a"}


def test_thinking_stays_behind_when_another_model_is_asked(recorded: Portkey, server: RecordingServer) -> None:
    said = ChatMessage(role=MessageRole.ASSISTANT, blocks=[THINKING, TextBlock(text="a")])
    recorded.with_options(model="gpt-5", provider="openai").chat([ChatMessage("Hi"), said, ChatMessage("And?")])
    assert server.requests[0].json["messages"][1] == {"role": "assistant", "content": "a"}


@pytest.mark.parametrize("call", [
    {"id": "toolu_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}},
    {"id": "toolu_1", "type": "tool_use", "name": "add", "input": {"a": 1}},
    SimpleNamespace(model_dump=lambda: WIRE_CALL),
], ids=["openai", "anthropic", "object"])  # fmt: skip
def test_tool_calls_of_other_llm_classes_are_understood(call: Any) -> None:
    assert encode(role="assistant", tool_calls=[call]) == {
        "role": "assistant",
        "content": "",
        "tool_calls": [WIRE_CALL],
    }


def test_a_call_that_a_stream_left_half_stays_behind_in_whichever_place() -> None:
    half = ToolCallBlock(tool_call_id="toolu_1", tool_name="add", tool_kwargs='{"a": 1, "b')
    kept = {"id": "toolu_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b'}}
    encoded = encode(TextBlock(text="a"), THINKING, half, role="assistant", tool_calls=[kept])
    assert encoded == {"role": "assistant", "content": "a"}


def test_tool_call_blocks_win_over_other_tool_calls() -> None:
    other = {"id": "toolu_2", "function": {"name": "sub", "arguments": "{}"}}
    assert encode(CALL, role="assistant", tool_calls=[other])["tool_calls"] == [WIRE_CALL]


@pytest.mark.parametrize(("kwargs", "sent"), [
    ("", "{}"),
    ('{"a": 1, "b', '{"invalid_arguments":"{\\"a\\": 1, \\"b"}'),
    ("[1]", '{"invalid_arguments":"[1]"}'),
    ("?", '{"invalid_arguments":"?"}'),
])  # fmt: skip
def test_arguments_that_are_no_object_are_shown_as_they_came(kwargs: str, sent: str) -> None:
    call = ToolCallBlock(tool_call_id="1", tool_name="add", tool_kwargs=kwargs)
    asked = ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])
    answer = ChatMessage(role=MessageRole.TOOL, content="3", additional_kwargs={"tool_call_id": "1"})
    said: Any = encode_messages([asked, answer])[0]
    assert said["tool_calls"][0]["function"]["arguments"] == sent


def test_a_tool_call_without_a_name_is_an_error() -> None:
    with pytest.raises(EncodingError, match=r"messages\[0\]\.blocks\[0\] is a tool call without a name"):
        encode(ToolCallBlock(tool_call_id="1", tool_name=""), role="assistant")


@pytest.mark.parametrize(("number", "sent"), [(float("inf"), '"Infinity"'), (float("nan"), '"NaN"')])
def test_a_number_that_json_does_not_know_is_told_as_a_text(number: float, sent: str) -> None:
    call = ToolCallBlock(tool_call_id="1", tool_name="add", tool_kwargs={"a": [number]})
    assert encode(call, role="assistant")["tool_calls"][0]["function"]["arguments"] == f'{{"a":[{sent}]}}'


def test_an_id_that_is_not_known_is_empty() -> None:
    assert encode(ToolCallBlock(tool_name="add"), role="assistant")["tool_calls"][0]["id"] == ""
    assert encode(TextBlock(text="3"), role="tool")["tool_call_id"] == ""


def test_a_tool_message_that_answers_no_call_is_an_error(recorded: Portkey) -> None:
    with pytest.raises(EncodingError, match=r"messages\[0\] is a tool message without an id"):
        recorded.chat([ChatMessage(role=MessageRole.TOOL, content="3")])


def test_messages_are_left_as_they_are() -> None:
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text="a"), POINT, CALL, POINT])
    before = message.model_dump()
    encode_messages([message])
    assert message.model_dump() == before
