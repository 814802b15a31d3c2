"""Content blocks that cannot be sent are named; whatever stands in a block, nothing else than that is raised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from portkey_gateway.errors import ContentError, EncodingError, PortkeyWarning
from portkey_langchain import ChatPortkey
from portkey_langchain.blocks import encode_block
from portkey_langchain.encode import encode_messages
from tests.langchain.media import PNG64, PNG_URL, TEXT, TEXT64

MARK = {"type": "ephemeral"}
SEARCH_RESULT = {
    "type": "search_result",
    "source": "https://a",
    "title": "A",
    "content": [{"type": "text", "text": "a"}],
}
OPENAI_TEXT_FILE = {"file_data": f"data:text/plain;base64,{TEXT64}", "filename": "a.txt"}


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"type": "image", "base64": "%%%", "mime_type": "image/png"}, "is not base64"),
        ({"type": "image", "base64": TEXT64, "mime_type": "image/png"}, "is no image"),
        ({"type": "image", "data": b"words"}, "starts with b'words'"),
        ({"type": "image"}, "needs 'url' as text; got NoneType"),
        ({"type": "image", "path": "cat.png"}, "a path is not read here; give what is in the file"),
        ({"type": "image", "base64": 7}, "needs 'base64' as text; got int"),
        ({"type": "image", "source": {"type": "base64"}}, "'data'"),
        ({"type": "image", "url": "/home/me/x.png"}, "for a file, read it and give its base64"),
        ({"type": "image", "url": "data:image/png,raw"}, "must hold base64"),
        ({"type": "image_url"}, "needs 'url' as text; got NoneType"),
        ({"type": "image_url", "image_url": {"url": None}}, "needs 'url' as text; got NoneType"),
        ({"type": "image_url", "image_url": 3}, "needs 'url' as text; got int"),
        ({"type": "file", "file": {"filename": "a.pdf"}}, "'file_data'"),
        ({"type": "file", "base64": PNG64[8:], "mime_type": "application/pdf"}, "declared as application/pdf"),
        ({"type": "audio", "base64": "A", "mime_type": "audio/wav"}, "is not base64"),
        ({"type": "input_audio", "input_audio": "AAAA"}, "has to hold data and format"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA"}}, "needs 'format' as text"),
        ({"type": "video", "url": "/home/me/x.mp4"}, "for a file, read it and give its base64"),
        ({"type": "media", "file_uri": "https://a.org/x.mp4"}, "needs 'mime_type' as text"),
        ({"type": "guess"}, "a block of type 'guess', which no model takes; known: text, image"),
        ({"content": "no type"}, "a block of type None"),
        ({"type": "text"}, "needs 'text' as text; got NoneType"),
        ({"type": "text", "text": 5}, "needs 'text' as text; got int"),
        ({"type": "text", "text": "a", "cache_control": "yes"}, "cache_control of"),
    ],
)
def test_a_block_that_cannot_be_sent_is_named(block: dict[str, Any], says: str) -> None:
    messages = [SystemMessage("Be brief."), HumanMessage(["Look:", block])]
    with pytest.raises(EncodingError) as caught:
        encode_messages(messages)
    assert "messages[1].content[1]" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize("block", [{"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"}, {"type": "guess"}])
def test_the_model_names_it_too(block: dict[str, Any]) -> None:
    model = ChatPortkey(model="claude-sonnet-4-5", base_url="http://127.0.0.1:9/v1", provider="anthropic")
    with pytest.raises(ValueError, match=r"messages\[0\]\.content\[0\] is a"):
        model.invoke([HumanMessage([block])])


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_system_message_takes_text_only(role: str) -> None:
    messages = [SystemMessage([{"type": "image", "base64": PNG64}], additional_kwargs={"__openai_role__": role})]
    with pytest.raises(
        ContentError, match=r"messages\[0\]\.content\[0\] is a block of type 'image': a system message takes"
    ):
        encode_messages(messages)


def test_what_nobody_knows_of_an_assistant_is_left_out_with_a_warning() -> None:
    block = {"type": "of_a_kind_that_nobody_knows"}
    with pytest.warns(
        PortkeyWarning, match=rf"messages\[0\]\.content\[1\] is a block of type '{block['type']}', which no"
    ):
        [encoded] = encode_messages([AIMessage([{"type": "text", "text": "Look:"}, block])])
    assert encoded == {"role": "assistant", "content": [{"type": "text", "text": "Look:"}]}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "image", "base64": PNG64}, "image/png"),
        ({"type": "file", "source_type": "text", "text": TEXT}, TEXT),
        ({"type": "file", "file": OPENAI_TEXT_FILE}, TEXT),
        ({"type": "text-plain", "text": TEXT, "title": "Greeting"}, TEXT),
        ({"type": "input_text", "text": TEXT}, TEXT),
        ({"type": "output_text", "text": TEXT}, TEXT),
    ],
)
def test_rarer_shapes_are_understood(block: dict[str, Any], expected: str) -> None:
    assert expected in str(encode_block(block, where="here"))


@pytest.mark.parametrize(
    ("block", "encoded"),
    [
        (
            {"type": "image", "source": {"type": "file", "file_id": "f_1"}},
            {"type": "image", "source": {"type": "file", "file_id": "f_1"}},
        ),
        (
            {"type": "image", "source_type": "id", "id": "f_1"},
            {"type": "image", "source": {"type": "file", "file_id": "f_1"}},
        ),
        ({"type": "file", "file_id": "f_1"}, {"type": "document", "source": {"type": "file", "file_id": "f_1"}}),
        (
            {"type": "file", "file": {"file_id": "f_1"}},
            {"type": "document", "source": {"type": "file", "file_id": "f_1"}},
        ),
        (
            {"type": "document", "source": {"type": "content", "content": "a"}, "citations": {"enabled": True}},
            {"type": "document", "source": {"type": "content", "content": "a"}, "citations": {"enabled": True}},
        ),
        (
            {"type": "file", "url": "https://a/b.pdf", "extras": {"title": "B", "context": "c", "cache_control": MARK}},
            {
                "type": "document",
                "source": {"type": "url", "url": "https://a/b.pdf"},
                "title": "B",
                "context": "c",
                "cache_control": MARK,
            },
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
            {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}, "detail": "low"},
        ),
        (SEARCH_RESULT, SEARCH_RESULT),
    ],
)
def test_nothing_of_a_block_is_lost(block: dict[str, Any], encoded: dict[str, Any]) -> None:
    assert encode_block(block, where="here") == encoded


@pytest.mark.parametrize(
    "block", [{"type": "image_url", "image_url": {"url": PNG_URL}}, {"type": "image", "url": PNG_URL}]
)
def test_a_data_url_is_not_copied(block: dict[str, Any]) -> None:
    encoded: Any = encode_block(block, where="here")
    assert encoded["type"] == "image"
    assert encoded["source"]["url"] is PNG_URL


_KEYS = [
    "type", "text", "image_url", "url", "base64", "data", "source", "source_type", "file", "file_data", "file_url",
    "file_id", "id", "mime_type", "media_type", "extras", "cache_control", "value", "title", "filename", "thinking",
    "reasoning", "signature", "name", "input", "args", "tool_use_id", "content", "is_error",
]  # fmt: skip
_TYPES = [
    "text", "image", "image_url", "file", "document", "text-plain", "non_standard", "thinking", "redacted_thinking",
    "reasoning", "tool_use", "tool_call", "tool_result", "audio", "base64", "url", "ephemeral", "server_tool_use",
]  # fmt: skip
_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=4), st.binary(max_size=4),
    st.sampled_from(["https://a.org/x.png", f"data:image/png;base64,{PNG64}", PNG64, "data:x", "base64", "text"]),
)  # fmt: skip


def _block_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda kind, rest: rest | kind,
        st.fixed_dictionaries({}, optional={"type": st.sampled_from(_TYPES)}),
        st.dictionaries(st.sampled_from(_KEYS), values, max_size=5),
    )


_BLOCKS = _block_of(st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=2) | _block_of(inner), max_leaves=5))


@pytest.mark.filterwarnings("ignore::portkey_gateway.errors.PortkeyWarning")
@given(block=_BLOCKS, role=st.sampled_from(["system", "user", "assistant", "tool"]))
def test_no_block_whatever_makes_the_encoder_fall_over(block: dict[str, Any], role: str) -> None:
    message = {
        "system": SystemMessage([block]),
        "user": HumanMessage([block]),
        "assistant": AIMessage([block]),
        "tool": ToolMessage([block], tool_call_id="call_1"),
    }[role]
    try:
        encoded = encode_messages([message])
    except EncodingError as error:
        assert "messages[0]" in error.message or "content must be" in error.message  # noqa: PT017 either outcome is fine
    else:
        assert all("role" in each for each in encoded)
