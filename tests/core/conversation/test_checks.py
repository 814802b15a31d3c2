"""What is no request is refused before anything else trips over it."""

from typing import Any

import pytest

from portkey_gateway.conversation.checks import check_request
from portkey_gateway.errors import ContentError, EncodingError

HELLO = {"role": "user", "content": "Hello"}


def check(*messages: Any, **parameters: Any) -> None:
    body: Any = {"model": "claude-sonnet-4-5", "messages": list(messages or (HELLO,)), **parameters}
    check_request(body)


@pytest.mark.parametrize("messages", [[], None])
def test_no_messages_are_an_error(messages: Any) -> None:
    with pytest.raises(EncodingError, match="messages is empty"):
        check_request({"model": "claude-sonnet-4-5", "messages": messages})


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Hello", r"messages\[1\] must be a mapping with a role; got str"),
        ({"content": "Hello"}, r"messages\[1\] must be a mapping with a role"),
        ({"role": "ai", "content": "Hello"}, r"messages\[1\] has the role 'ai'; known are assistant, developer"),
        ({"role": "Assistant", "content": "Hello"}, r"messages\[1\] has the role 'Assistant'"),
    ],
)
def test_a_message_has_a_role(message: Any, named: str) -> None:
    with pytest.raises(EncodingError, match=named):
        check(HELLO, message)


@pytest.mark.parametrize("role", ["user", "tool", "assistant", "system"])
@pytest.mark.parametrize(
    ("block", "named"),
    [
        ("Hello", r"messages\[1\]\.content\[1\] must be a mapping with a type"),
        ({"text": "x"}, r"content\[1\] must be a mapping with a type"),
        ({"type": "text"}, r"content\[1\] is a text block whose text is no string"),
        ({"type": "text", "text": 5}, r"content\[1\] is a text block whose text is no string"),
        ({"type": "image_url", "image_url": "https://a.org/a.png"}, r"content\[1\]\.image_url must be {'url': …}"),
        ({"type": "image_url"}, r"content\[1\]\.image_url must be {'url': …}"),
        ({"type": "image", "url": "https://a.org/a.png"}, r"content\[1\] is a block of type 'image' without a source"),
        ({"type": "document", "source": "a"}, r"content\[1\] is a block of type 'document' without a source"),
        ({"type": "file", "file": "a.pdf"}, r"content\[1\]\.file must be a mapping with file_data"),
        ({"type": "file"}, r"content\[1\]\.file must be a mapping with file_data"),
        ({"type": None}, r"content\[1\] must be a mapping with a type"),
        ({"type": "image_url", "image_url": {}}, r"content\[1\]\.image_url must be {'url': …}"),
        ({"type": "tool_use", "name": "look", "input": {}}, r"content\[1\] is a tool_use block, which needs an id"),
    ],
)
def test_a_block_that_is_none_is_an_error_that_names_its_place(role: str, block: Any, named: str) -> None:
    with pytest.raises(ContentError, match=named):
        check(HELLO, {"role": role, "content": [{"type": "text", "text": "a"}, block]})


@pytest.mark.parametrize("content", [{"type": "text", "text": "a"}, 5, ({"type": "text", "text": "a"},), True])
@pytest.mark.parametrize("field", ["content", "content_blocks"])
def test_content_that_is_no_list_is_an_error_that_names_it(field: str, content: Any) -> None:
    with pytest.raises(ContentError, match=rf"messages\[1\]\.{field} must be text or a list of blocks; got"):
        check(HELLO, {"role": "assistant", field: content})


def test_blocks_of_an_answer_are_checked_too() -> None:
    with pytest.raises(ContentError, match=r"messages\[0\]\.content_blocks\[0\] must be a mapping with a type"):
        check({"role": "assistant", "content_blocks": [{"text": "a"}]})


FUNCTION = {"name": "look", "arguments": "{}"}


@pytest.mark.parametrize(
    ("calls", "named"),
    [
        ({}, "tool_calls must be a list; got dict"),
        (["look"], r"tool_calls\[0\] must be {'id': …"),
        ([{"id": "1"}], r"tool_calls\[0\] must be {'id': …"),
        ([{"function": FUNCTION}], r"tool_calls\[0\] needs an id, by which its result is found; got None"),
        ([{"id": "1", "function": {"arguments": "{}"}}], r"tool_calls\[0\].function needs a name"),
        ([{"id": "1", "function": {**FUNCTION, "arguments": {}}}], "arguments must be a JSON object as text; got dict"),
        ([{"id": "1", "function": {"name": "look"}}], "arguments must be a JSON object as text; got NoneType"),
    ],
)
def test_a_call_that_is_none_is_an_error_that_names_its_place(calls: Any, named: str) -> None:
    with pytest.raises(EncodingError, match=named):
        check(HELLO, {"role": "assistant", "tool_calls": calls})


def test_messages_are_a_list() -> None:
    with pytest.raises(EncodingError, match="messages must be a list of mappings; got str"):
        check_request({"model": "claude-sonnet-4-5", "messages": "Hello"})  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"thinking": True}, "thinking must be a mapping"),
        ({"thinking": []}, "thinking must be a mapping"),
        ({"thinking": {"type": "enabled", "budget_tokens": "5"}}, "thinking must be a mapping"),
        ({"temperature": float("nan")}, "temperature is nan, which JSON does not know"),
        ({"top_p": float("inf")}, "top_p is inf, which JSON does not know"),
        ({"temperature": "0.5"}, "temperature must be a number; got '0.5'"),
        ({"context_management": ["x"]}, r"context_management must be a mapping; got \['x'\]"),
        ({"output_config": "x"}, "output_config must be a mapping; got 'x'"),
        ({"betas": [1]}, r"betas must be a text or a list of texts; got \[1\]"),
        ({"stop": [1]}, r"stop must be a text or a list of texts; got \[1\]"),
        ({"tools": [1]}, r"tools\[0\] must be a mapping"),
        ({"tools": [{"function": "look"}]}, r"tools\[0\] must be a mapping"),
        ({"tools": [{"function": {"description": "Look."}}]}, r"tools\[0\].function needs a name"),
        ({"tools": [{"function": {"name": "t", "parameters": None}}]}, r"tools\[0\] must be"),
    ],
)
def test_a_parameter_of_a_wrong_shape_is_an_error_that_names_it(parameters: dict[str, Any], named: str) -> None:
    with pytest.raises(EncodingError, match=named):
        check(**parameters)


def test_what_is_a_request_passes() -> None:
    source = {"type": "url", "url": "https://a.org/a.png"}
    blocks = [
        {"type": "text", "text": ""},
        {"type": "image_url", "image_url": {"url": "https://a.org/a.png"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "image", "source": source},
        {"type": "document", "source": source},
        {"type": "of_a_kind_that_nobody_knows"},
    ]
    tools = [{"type": "function", "function": {"name": "t"}}, {"type": "web_search_20250305", "name": "web_search"}]
    check({"role": "user", "content": blocks}, thinking={"type": "adaptive"}, temperature=1, tools=tools)
    check(thinking=None, temperature=None, tools=None)
    call = {"id": "1", "type": "function", "function": FUNCTION}
    check(HELLO, {"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "user", "content": ""})


TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "look"}},
    {"type": "web_search_20250305", "name": "web_search"},
]


@pytest.mark.parametrize(
    ("wanted", "tools", "named"),
    [("lok", TOOLS, "did you mean 'look'"), ("taste", TOOLS, "offered are 'look', 'web_search'")],
)
def test_a_choice_of_a_tool_that_is_none_is_an_error(wanted: str, tools: Any, named: str) -> None:
    choice = {"type": "function", "function": {"name": wanted}}
    with pytest.raises(EncodingError, match=f"tool_choice names '{wanted}', which is none of the tools.*{named}"):
        check(tools=tools, tool_choice=choice)


@pytest.mark.parametrize("tools", [[*TOOLS, {"type": "mcp_toolset", "mcp_server_name": "s"}], []])
def test_what_is_not_known_of_the_tools_is_left_to_the_provider(tools: Any) -> None:
    choice = {"type": "function", "function": {"name": "taste"}}
    check(tools=tools, tool_choice=choice)
