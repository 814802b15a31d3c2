"""Which path carries a request, what is left out of it, and what a config's targets are told: word for word."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from portkey_gateway.errors import ContentError
from portkey_gateway.messages.encode import PATH, PROXY_PATH, carries_everything, encode_count, encode_request
from portkey_gateway.routing import Route
from tests.core.warned import warned

CLAUDE = "claude-sonnet-4-5"
HELLO: dict[str, Any] = {"role": "user", "content": "Hello"}
ROUTE = Route(api_format="messages", is_claude=True, provider="anthropic", only_anthropic=True)
OF = "override_params of config.targets[0]: "
PNG = "iVBORw0KGgoAAAAA"


@pytest.mark.parametrize(
    ("more", "does"),
    [
        ({"only_anthropic": True}, True),
        ({"only_anthropic": True, "is_guarded": True}, False),
        ({"only_anthropic": True, "has_private_headers": True}, False),
        ({}, False),
        ({"gateway": "oss-2"}, False),
        ({"gateway": "hosted"}, True),
        ({"gateway": "hosted", "is_guarded": True, "has_private_headers": True}, True),
    ],
)
def test_everything_is_carried_where_the_proxy_is_safe_or_nothing_is_lost(more: dict[str, Any], *, does: bool) -> None:
    assert carries_everything(Route(**{"api_format": "messages", "is_claude": True, **more})) is does


def encode(
    route: Route = ROUTE, config: dict[str, Any] | None = None, **asked: Any
) -> tuple[str, dict[str, Any], Any, list[str]]:
    """The path, what is sent beside the model, what each target is told beside its own, and all that is warned of."""
    user_id, betas = asked.pop("user_id", None), asked.pop("betas", None)
    request: Any = {"model": CLAUDE, "max_tokens": 9000, "messages": [HELLO], **asked}
    before = copy.deepcopy((request, config))
    with warned() as texts:
        encoded = encode_request(request, route, user_id=user_id, betas=betas, config=config)
    assert (request, config) == before
    body = json.loads(encoded.body)
    assert body.pop("model") == CLAUDE
    told = [each.get("override_params", {}) for each in encoded.config["targets"]] if encoded.config else None
    return encoded.path, body, told, texts


SENT = {"max_tokens": 9000, "messages": [HELLO]}


def test_a_whole_answer_is_streamed_over_the_proxy() -> None:
    assert encode(speed="fast") == (PROXY_PATH, {**SENT, "speed": "fast", "stream": True}, None, [])
    assert encode(speed="fast", stream=False)[1]["stream"] is True
    assert encode(stream=False) == (PATH, {**SENT, "stream": False}, None, [])


def test_private_headers_do_not_go_to_the_provider() -> None:
    private = Route(api_format="messages", is_claude=True, only_anthropic=True, has_private_headers=True)
    text = (
        "speed does not reach Claude: /messages of this gateway drops it, and of /proxy/messages your own headers "
        "would go to the provider"
    )
    assert encode(private, speed="fast") == (PATH, SENT, None, [text])


def test_betas_stand_in_the_body_but_not_over_the_proxy() -> None:
    betas = {"anthropic_beta": "context-1m", "anthropic_version": "2023-06-01"}
    assert encode(betas=betas)[1] == {**SENT, **betas}
    assert "anthropic_beta" not in encode(betas=betas, speed="fast")[1]


@pytest.mark.parametrize(
    ("asked", "metadata"),
    [
        ({}, {"user_id": "ann"}),
        ({"metadata": {"user_id": "bob"}}, {"user_id": "bob"}),
        ({"metadata": {"a": "b"}}, {"a": "b", "user_id": "ann"}),
        ({"user": "bob"}, {"user_id": "bob"}),
        ({"user": "bob", "metadata": {"user_id": "cleo"}}, {"user_id": "cleo"}),
    ],
)
def test_who_asks_is_told_as_the_request_says_it(asked: dict[str, Any], metadata: dict[str, Any]) -> None:
    assert encode(user_id="ann", **asked) == (PATH, {**SENT, "metadata": metadata}, None, [])


def test_openai_s_media_stand_in_blocks_of_our_own() -> None:
    text, own = {"type": "text", "text": "See"}, {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    file = {"type": "file", "file": {"file_id": "file_1"}}
    other, answer = {"role": "user", "content": [text, own]}, {"role": "assistant", "content": "I see."}
    assert encode(messages=[{"role": "user", "content": [text, image, file]}, answer, other])[1]["messages"] == [
        {
            "role": "user",
            "content": [
                text,
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
            ],
        },
        answer,
        other,
    ]


def test_a_file_of_nothing_is_named_by_its_place() -> None:
    empty = {"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "file", "file": {}}]}
    with pytest.raises(ContentError) as caught:
        encode(messages=[HELLO, empty])
    assert caught.value.message == "messages[1].content[1].file needs file_data, file_url or file_id"


@pytest.mark.parametrize("form", ["json_object", "other"])
def test_a_form_without_a_schema_is_said_to_reach_nobody(form: str) -> None:
    text = (
        f"response_format of type {form!r} does not reach Claude: give a JSON schema ({{'type': 'json_schema', "
        "'json_schema': {'name': …, 'schema': …}})"
    )
    assert encode(response_format={"type": form}) == (PATH, SENT, None, [text])


def test_a_text_is_what_comes_by_itself() -> None:
    assert encode(response_format={"type": "text"}) == (PATH, SENT, None, [])


@pytest.mark.parametrize("name", ["stream_options", "stream_usage"])
def test_that_a_stream_tells_its_usage_need_not_be_said(name: str) -> None:
    asked: dict[str, Any] = {name: {"include_usage": True}}
    assert encode(**asked) == (PATH, SENT, None, [])


# --- what a config's targets are told -------------------------------------------------------------------------------


def on(**override: Any) -> dict[str, Any]:
    return {"targets": [{"provider": "anthropic", "override_params": override}]}


LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    ("override", "asked", "told"),
    [
        ({"max_completion_tokens": 7}, {}, {"max_tokens": 7}),
        ({"stop": ["a"], "user": "ann"}, {}, {"stop_sequences": ["a"], "metadata": {"user_id": "ann"}}),
        ({"tool_choice": "required"}, {"tools": [LOOK]}, {"tool_choice": {"type": "any"}}),
        (
            {"tool_choice": "auto", "parallel_tool_calls": False},
            {"tools": [LOOK]},
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        ({"tool_choice": "required"}, {}, {}),
    ],
)
def test_it_is_said_in_anthropic_s_words(override: dict[str, Any], asked: dict[str, Any], told: Any) -> None:
    path, _, sent, texts = encode(config=on(**override), **asked)
    assert (path, sent, texts) == (PATH, [told], [])


@pytest.mark.parametrize(
    ("override", "told", "text"),
    [
        ({"speed": "fast", "top_k": 3}, {"top_k": 3}, "speed does not reach Claude: give it to the model instead"),
        ({"seed": 7, "top_k": 3}, {"top_k": 3}, "seed does not reach Claude: Claude has none"),
        ({"top_kk": 7, "top_k": 3}, {"top_k": 3}, "top_kk does not reach Claude: did you mean 'top_k'?"),
        ({"temperature": 1.5}, {"temperature": 1}, "temperature 1.5 is sent to Claude as 1: its range is 0 to 1"),
        (
            {"extra_headers": {}, "top_k": 3},
            {"top_k": 3},
            "extra_headers does not reach Claude: say default_headers, or betas",
        ),
    ],
)
def test_what_does_not_reach_it_is_named_with_its_target(override: Any, told: Any, text: str) -> None:
    assert encode(config=on(**override)) == (PATH, SENT, [told], [OF + text])


def test_over_the_proxy_it_is_told_everything() -> None:
    assert encode(config=on(speed="fast"), inference_geo="us")[2:] == ([{"speed": "fast"}], [])


# --- counting -------------------------------------------------------------------------------------------------------


def test_what_is_counted_is_sent_with_its_betas_and_nothing_more() -> None:
    request: Any = {"model": CLAUDE, "messages": [{"role": "system", "content": "Be brief."}, HELLO], "stop": ["a"],
                    "mcp_servers": [{"name": "docs"}], "metadata": {"user_id": "ann"}}  # fmt: skip
    assert json.loads(encode_count(request, ROUTE, {"anthropic_beta": "b"})) == {
        "model": CLAUDE,
        "messages": [HELLO],
        "system": [{"type": "text", "text": "Be brief."}],
        "mcp_servers": [{"name": "docs"}],
        "anthropic_beta": "b",
    }
