"""Messages of a conversation as the gateway carries them to the one who answers: media, results, replayed answers."""

import copy
import warnings
from typing import Any, cast

import pytest

from portkey_gateway.chat_completions.blocks import encode_message
from portkey_gateway.conversation.content import Media, load_bytes, load_url, media_block
from portkey_gateway.conversation.request import CacheControl, Message
from portkey_gateway.errors import ContentError, PortkeyWarning
from portkey_gateway.routing import Gateway, Route, find_route
from tests.core.routes import own, targets

MARK: CacheControl = {"type": "ephemeral"}
PDF = b"%PDF-1.7\n" + b"\x00" * 20
IMAGE = load_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 20)
DOCUMENT = load_bytes(PDF, name="plan.pdf")
NAMELESS = load_bytes(PDF)
TEXT = Media("document", "text/plain", data="Grüße")
REMOTE_IMAGE = load_url("https://a/b.png")
REMOTE_DOCUMENT = load_url("https://a/b.pdf", kind="document")
LINK = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
SAID = {"type": "text", "text": "Hi"}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"it"}'}}
USE = {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "it"}}


def encoded(message: dict[str, Any], *, is_claude: bool = True, gateway: Gateway = "oss-1") -> Any:
    before = copy.deepcopy(message)
    made = encode_message(cast("Message", message), "messages[2]", Route(gateway=gateway, is_claude=is_claude))
    assert message == before
    return made


def user(*blocks: Any, **options: Any) -> Any:
    made = encoded({"role": "user", "content": [*blocks]}, **options)
    assert made.keys() == {"role", "content"}
    return made["content"]


def tool(content: Any, *, is_claude: bool = True, **more: Any) -> Any:
    return encoded({"role": "tool", "tool_call_id": "c1", "content": content, **more}, is_claude=is_claude)


def assistant(*, is_claude: bool = True, **said: Any) -> Any:
    made = encoded({"role": "assistant", **said}, is_claude=is_claude)
    return {name: value for name, value in made.items() if name != "role"}


ON_GOOGLE = {"provider": "google", "override_params": {"model": "gemini-3-pro"}}
ON_VERTEX = {**ON_GOOGLE, "provider": "vertex-ai"}
ON_OPENAI = {"provider": "openai", "override_params": {"model": "gpt-5"}}
SIGNED: Any = {"role": "assistant", "content": None, "tool_calls": [{**CALL, "thought_signature": "Eq8B"}]}


@pytest.mark.parametrize("model", ["gemini-3-pro", "gpt-5"])
@pytest.mark.parametrize(
    ("config", "is_told"),
    [(targets(ON_GOOGLE, ON_VERTEX), True), (targets(ON_OPENAI), False), (targets({"targets": [ON_GOOGLE]}), True)],
)
def test_geminis_of_a_config_see_the_proof_of_their_thoughts(config: Any, is_told: bool, model: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made: Any = encode_message(SIGNED, "messages[0]", find_route(own(config=config), model))
    assert ("thought_signature" in made["tool_calls"][0]["function"]) is is_told


@pytest.mark.parametrize("model", ["gemini-3-pro", "gpt-5"])
def test_where_another_may_answer_it_is_left_out_and_that_is_said(model: str) -> None:
    route = find_route(own(config=targets(ON_GOOGLE, ON_OPENAI)), model)
    with pytest.warns(PortkeyWarning, match="thought_signature of tool calls is left out: .* Gemini 3 wants to see it"):
        made: Any = encode_message(SIGNED, "messages[0]", route)
    assert "Eq8B" not in str(made)


# --- media of users ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media", "is_claude", "block"),
    [
        (IMAGE, True, {"type": "image_url", "image_url": {"url": IMAGE.data_url}}),
        (IMAGE, False, {"type": "image_url", "image_url": {"url": IMAGE.data_url}}),
        (REMOTE_IMAGE, True, LINK),
        (REMOTE_IMAGE, False, LINK),
        (NAMELESS, True, {"type": "image_url", "image_url": {"url": DOCUMENT.data_url}}),
        (DOCUMENT, False, {"type": "file", "file": {"filename": "plan.pdf", "file_data": DOCUMENT.data_url}}),
        (NAMELESS, False, {"type": "file", "file": {"filename": "document.pdf", "file_data": DOCUMENT.data_url}}),
        (
            REMOTE_DOCUMENT,
            True,
            {"type": "file", "file": {"mime_type": "application/pdf", "file_url": "https://a/b.pdf"}},
        ),
        (TEXT, True, {"type": "file", "file": {"mime_type": "text/plain", "file_data": "Grüße"}}),
        (TEXT, False, {"type": "text", "text": "Grüße"}),
    ],
)
def test_media_of_a_user_take_the_form_of_the_one_who_answers(
    media: Media, is_claude: bool, block: dict[str, Any]
) -> None:
    assert user(media_block(media), SAID, is_claude=is_claude) == [block, SAID]


@pytest.mark.parametrize("media", [IMAGE, NAMELESS])
def test_a_breakpoint_stays_where_the_gateway_carries_it(media: Media) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert user(media_block(media, MARK))[0]["cache_control"] == MARK
        assert user(media_block(TEXT, MARK), is_claude=False)[0]["cache_control"] == MARK
        assert tool([media_block(media, MARK)])["content"][0]["cache_control"] == MARK


@pytest.mark.parametrize(
    ("media", "message"),
    [
        (REMOTE_IMAGE, "(an image given by URL): inline it (inline_images=True)"),
        (REMOTE_DOCUMENT, "(a application/pdf document): put it on a text block after it"),
        (TEXT, "(a text/plain document): put it on a text block after it"),
    ],
)
def test_a_breakpoint_that_the_gateway_would_drop_is_left_out_with_a_warning(media: Media, message: str) -> None:
    with pytest.warns(PortkeyWarning) as caught:
        assert "cache_control" not in user(media_block(media, MARK))[0]
    [warning] = caught
    assert str(warning.message) == f"the gateway drops cache_control on messages[2].content[0] {message}"
    assert warning.filename == __file__


def test_so_it_is_for_a_file_in_the_gateways_own_form() -> None:
    file = {"type": "file", "file": {"mime_type": "text/plain", "file_data": "Grüße"}}
    with pytest.warns(PortkeyWarning, match=r"drops cache_control on messages\[2\]\.content\[0\]: put it on a text"):
        assert user({**file, "cache_control": MARK}) == [file]
    assert user({**file, "cache_control": MARK}, is_claude=False) == [{**file, "cache_control": MARK}]


def test_so_it_is_for_a_link_in_openais_own_form() -> None:
    with pytest.warns(PortkeyWarning, match=r"messages\[2\]\.content\[0\] \(an image given by URL\): inline it"):
        assert user({**LINK, "cache_control": MARK}) == [LINK]
    assert user({**LINK, "cache_control": MARK}, is_claude=False) == [{**LINK, "cache_control": MARK}]


def test_how_closely_an_image_is_looked_at_is_openais() -> None:
    low = {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}}
    assert user({**media_block(REMOTE_IMAGE), "detail": "low"}, is_claude=False) == [low]


def test_what_is_said_of_a_document_is_left_out_with_a_warning() -> None:
    details = {"title": "Plan", "context": "Of last year.", "citations": {"enabled": True}}
    with pytest.warns(PortkeyWarning, match="drops title, context, citations of .*: api_format='messages' carries it"):
        [block] = user({**media_block(NAMELESS), **details})
    assert block == {"type": "image_url", "image_url": {"url": NAMELESS.data_url}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert user({**media_block(NAMELESS), **details}, is_claude=False)[0]["file"]["filename"] == "Plan"


def test_openais_file_becomes_what_the_gateway_reads_for_claude() -> None:
    file = {"type": "file", "file": {"file_data": NAMELESS.data_url}, "cache_control": MARK}
    sent = {"type": "image_url", "image_url": {"url": NAMELESS.data_url}, "cache_control": MARK}
    assert user(file) == [sent]
    assert user(file, is_claude=False) == [file]
    text = {"type": "file", "file": {"file_data": "data:text/plain;base64,SGk="}}
    assert user(text) == [{"type": "file", "file": {"mime_type": "text/plain", "file_data": "Hi"}}]


def test_an_uploaded_file_goes_by_its_id_where_the_gateway_carries_that() -> None:
    block = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
    sent = [{"type": "file", "file": {"file_id": "file_1"}}]
    assert user(block, is_claude=False) == sent
    assert user(block, gateway="hosted") == sent
    with pytest.raises(ContentError, match=r"messages\[2\]\.content\[0\] names an uploaded file by its id, which"):
        user(block)


@pytest.mark.parametrize("is_claude", [True, False])
@pytest.mark.parametrize("source", [{"type": "content", "content": "A text."}, {"url": "https://a/b.pdf"}])
def test_a_source_that_no_gateway_knows_is_refused(source: dict[str, Any], is_claude: bool) -> None:
    with pytest.raises(ContentError, match=r"content\[0\] has a source of type .*, which the gateway drops"):
        user({"type": "document", "source": source}, is_claude=is_claude)


@pytest.mark.parametrize("kind", ["input_audio", "search_result", "container_upload"])
@pytest.mark.parametrize("role", ["user", "system"])
def test_a_block_that_the_gateway_would_drop_is_refused(role: str, kind: str) -> None:
    block = {"type": kind}
    with pytest.raises(
        ContentError, match=rf"messages\[2\]\.content\[1\] is a block of type '{kind}', which the gateway drops"
    ):
        encoded({"role": role, "content": [SAID, block]})
    assert encoded({"role": role, "content": [block]}, is_claude=False)["content"] == [block]


# --- results of tools -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media", [IMAGE, DOCUMENT, TEXT, REMOTE_IMAGE])
def test_media_of_a_tool_go_to_claude_as_they_are(media: Media) -> None:
    assert tool([media_block(media), SAID])["content"] == [media_block(media), SAID]


def test_a_data_url_of_a_tool_goes_to_claude_as_its_data() -> None:
    assert tool([media_block(load_url(IMAGE.data_url, as_given=True))])["content"] == [media_block(IMAGE)]


def test_what_openai_says_beside_an_image_of_a_tool_does_not_go_to_claude() -> None:
    assert tool([{**media_block(IMAGE), "detail": "low"}])["content"] == [media_block(IMAGE)]


def test_openais_media_of_a_tool_go_to_claude_in_anthropics_form() -> None:
    file = {"type": "file", "file": {"file_data": DOCUMENT.data, "filename": "plan.pdf"}}
    assert tool([LINK, file])["content"] == [media_block(REMOTE_IMAGE), media_block(DOCUMENT)]


def test_a_block_of_anthropics_in_a_tools_result_goes_to_claude() -> None:
    block = {"type": "search_result", "source": "https://a.org", "title": "A", "content": [SAID]}
    assert tool([block])["content"] == [block]


def test_what_only_claude_knows_of_a_tools_result_is_refused_for_other_models() -> None:
    assert tool([SAID], is_claude=False)["content"] == [SAID]
    found = {"type": "search_result", "source": "https://a.org", "title": "A", "content": [SAID]}
    with pytest.raises(
        ContentError, match=r"content\[0\] is of type 'search_result': only Claude takes that in a tool"
    ):
        tool([found], is_claude=False)


@pytest.mark.parametrize("is_claude", [True, False])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("no such city", "Error: no such city"),
        ("Error: no such city", "Error: no such city"),
        ("", "Error: "),
        (None, "Error: "),
        ([SAID], [{"type": "text", "text": "Error:"}, SAID]),
        ([], [{"type": "text", "text": "Error:"}]),
    ],
)
def test_that_a_tool_failed_is_said_in_words(content: Any, told: Any, is_claude: bool) -> None:
    message = {"role": "tool", "tool_call_id": "c1", "content": told}
    assert tool(content, is_error=True, is_claude=is_claude) == message


def test_that_a_tool_did_not_fail_is_not_said() -> None:
    assert tool("sunny", is_error=False) == {"role": "tool", "tool_call_id": "c1", "content": "sunny"}


# --- replayed answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_claude", [True, False])
@pytest.mark.parametrize(
    "said",
    [
        {"content": "Hi"},
        {"content": None, "tool_calls": [CALL]},
        {"content": "Hi", "content_blocks": [THOUGHT, SAID]},
        {"content": [SAID]},
    ],
)
def test_an_answer_in_the_gateways_form_is_replayed_as_it_is(said: dict[str, Any], is_claude: bool) -> None:
    assert assistant(**said, is_claude=is_claude) == said


def test_blocks_beside_text_go_to_claude_as_its_own_and_to_others_not_at_all() -> None:
    other = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    content = [THOUGHT, SAID, other]
    assert assistant(content=content) == {"content": [SAID], "content_blocks": content}
    assert assistant(content=content, is_claude=False) == {"content": SAID["text"]}
    marked = {**SAID, "cache_control": MARK}
    assert assistant(content=[THOUGHT, marked], is_claude=False) == {"content": [marked]}
    assert assistant(content=[THOUGHT]) == {"content_blocks": [THOUGHT]}
    assert assistant(content=[THOUGHT], is_claude=False) == {}
    assert assistant(content=[THOUGHT, USE], is_claude=False) == {"tool_calls": [CALL]}


def test_calls_among_the_blocks_stand_apart() -> None:
    marked = {**USE, "id": "c2", "cache_control": MARK}
    assert assistant(content=[SAID, USE, marked]) == {
        "content": [SAID],
        "tool_calls": [CALL, {**CALL, "id": "c2", "cache_control": MARK}],
    }
    assert assistant(content=[THOUGHT, USE]) == {"content_blocks": [THOUGHT], "tool_calls": [CALL]}
    assert assistant(content=[USE], is_claude=False) == {"tool_calls": [CALL]}


def test_a_call_that_is_told_twice_is_made_once() -> None:
    later = {**USE, "id": "c2"}
    assert assistant(content=[SAID, USE, later], tool_calls=[CALL])["tool_calls"] == [CALL, {**CALL, "id": "c2"}]
    new = {**CALL, "id": "c3"}
    assert assistant(content=[SAID, USE], tool_calls=[new, CALL])["tool_calls"] == [CALL, new]


def test_citations_are_replayed_in_claudes_own_blocks_only() -> None:
    cited = {**SAID, "citations": [{"type": "char_location"}]}
    assert assistant(content=[cited, THOUGHT]) == {"content": [SAID], "content_blocks": [cited, THOUGHT]}
    assert assistant(content=[cited]) == {"content": [SAID], "content_blocks": [cited]}
    assert assistant(content=[cited], is_claude=False) == {"content": [SAID]}


def test_the_id_of_a_cited_file_is_not_replayed() -> None:
    cited = {**SAID, "citations": [{"type": "char_location", "file_id": "file_1", "cited_text": "Hi"}]}
    [block] = assistant(content=[cited])["content_blocks"]
    assert block["citations"] == [{"type": "char_location", "cited_text": "Hi"}]
