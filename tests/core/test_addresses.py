"""What can be no address, no header's name and no text is refused by its field, before another library meets it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from pydantic import ValidationError

from portkey_gateway import EncodingError, GatewayClient, GatewayOptions
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.support.calls import Ask, any_call

HALF = "\ud83d"
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:0/v1",
        "http://127.0.0.1:-1/v1",
        "http://127.0.0.1:80:80/v1",
        "http://host:port/v1",
        "http://[::1/v1",
        "http://:80/v1",
        "http://a b/v1",
        "http://a..b/v1",
        "http://../v1",
        "http://\x00/v1",
        f"http://{'a' * 64}.com/v1",
    ],
)
@pytest.mark.parametrize("field", ["base_url", "custom_host"])
def test_what_is_no_url_is_named_by_its_field(field: str, url: str) -> None:
    fields: dict[str, Any] = {"base_url": NOWHERE, field: url}
    with pytest.raises(ValidationError, match=f"{field} "):
        GatewayOptions(**fields)


@pytest.mark.parametrize(
    "url", ["http://[::1]:8787/v1", "http://127.0.0.1/v1", "https://a.b./v1", "http://my_host:1/v1", "http://x:65535"]
)
def test_what_is_a_url_stays(url: str) -> None:
    assert GatewayOptions(base_url=url, api_key="pk").base_url == url


@pytest.mark.parametrize("name", ["x-\u00fc", "x y", "", "x\n", "a:b", "(key)", "sk-ant-secret\u00e9"])
@pytest.mark.parametrize("field", ["default_headers", "gateway_headers"])
def test_what_is_no_headers_name_is_named_by_its_field_and_not_shown(field: str, name: str) -> None:
    fields: dict[str, Any] = {"base_url": NOWHERE, field: {name: "1"}}
    with pytest.raises(ValidationError, match=field) as caught:
        GatewayOptions(**fields)
    assert "secret" not in str(caught.value)


@any_call
@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
@pytest.mark.parametrize("arguments", [f'{{"a": "{HALF}"}}', HALF])
def test_half_a_character_in_arguments_is_named(ask: Ask, api_format: Any, arguments: str) -> None:
    client = GatewayClient(GatewayOptions(base_url=NOWHERE, provider="anthropic", api_format=api_format))
    call: Any = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}

    with pytest.raises(EncodingError, match=r"messages\[1\]\.tool_calls\[0\]\.function\.arguments holds half a char"):
        ask(
            client,
            {
                "model": "m",
                "max_tokens": 5,
                "messages": [
                    {"role": "user", "content": "Hi"},
                    {"role": "assistant", "content": "", "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "c1", "content": "Hello"},
                ],
            },
        )


@any_call
@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
def test_half_a_character_in_a_text_is_named(ask: Ask, api_format: Any) -> None:
    client = GatewayClient(GatewayOptions(base_url=NOWHERE, provider="anthropic", api_format=api_format))

    with pytest.raises(EncodingError, match=r"messages\[0\].*half a character"):
        ask(client, {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": f"Hi {HALF}"}]})


@pytest.mark.parametrize("api_format", ["chat_completions", "messages"])
def test_half_a_character_in_replayed_arguments_is_named_in_both_frameworks(api_format: Any) -> None:
    options: Any = {
        "model": "claude-sonnet-4-6",
        "provider": "anthropic",
        "base_url": NOWHERE,
        "api_format": api_format,
    }
    call: Any = {"id": "c1", "name": "f", "args": {"a": HALF}}
    with pytest.raises(EncodingError, match="half a character"):
        ChatPortkey(**options).invoke(
            [HumanMessage("Hi"), AIMessage("", tool_calls=[call]), ToolMessage("x", tool_call_id="c1")]
        )
    said = ChatMessage(
        role="assistant", blocks=[ToolCallBlock(tool_call_id="c1", tool_name="f", tool_kwargs={"a": HALF})]
    )
    result = ChatMessage(role="tool", content="x", additional_kwargs={"tool_call_id": "c1"})
    with pytest.raises(EncodingError, match="half a character"):
        Portkey(**options).chat([ChatMessage("Hi"), said, result])
