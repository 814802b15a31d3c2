"""The token estimate: the same request weighs the same, and its parts add up."""

import base64
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from portkey_gateway.sandbox.claude.tokens import (
    count_block,
    count_content,
    count_message,
    count_text,
    count_tokens,
    count_tool,
)

TOOL = {"name": "add", "input_schema": {"type": "object"}}


def image(size: tuple[int, int]) -> dict[str, Any]:
    buffer = BytesIO()
    Image.new("1", size).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("äöü€", 1), ("a" * 400, 100)]
)
def test_text_counts_one_token_per_four_characters(text: str, tokens: int) -> None:
    assert count_text(text) == tokens


@given(st.text(), st.text())
def test_more_text_never_weighs_less(text: str, more: str) -> None:
    assert count_text(text) <= count_text(text + more) <= count_text(text) + count_text(more)


@pytest.mark.parametrize(
    ("size", "tokens"),
    [((75, 100), 10), ((1, 1), 1), ((1000, 750), 1000), ((1568, 1568), 1600), ((3136, 784), 820)],
    ids=["small", "dot", "medium", "most", "scaled-down"],
)
def test_images_count_by_their_area(size: tuple[int, int], tokens: int) -> None:
    assert count_block(image(size)) == tokens


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        pytest.param({"type": "text", "text": "abcdefgh"}, 2, id="text"),
        pytest.param({"type": "thinking", "thinking": "abcdefgh", "signature": "s" * 99}, 2, id="thinking"),
        pytest.param(
            {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}, 1600, id="image-elsewhere"
        ),
        pytest.param(
            {"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}}, 1500, id="pdf-elsewhere"
        ),
        pytest.param(
            {
                "type": "document",
                "title": "abcd",
                "source": {"type": "text", "media_type": "text/plain", "data": "abcd"},
            },
            2,
            id="plain-document",
        ),
        pytest.param(
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "abcd"}]}},
            1,
            id="content-document",
        ),
        pytest.param({"type": "tool_result", "tool_use_id": "abcd", "content": "abcd"}, 2, id="result-text"),
        pytest.param({"type": "tool_result", "tool_use_id": "abcd"}, 1, id="result-empty"),
        pytest.param(
            {
                "type": "tool_result",
                "tool_use_id": "abcd",
                "content": [{"type": "text", "text": "abcd"}, image((75, 100))],
            },
            12,
            id="result-blocks",
        ),
        pytest.param({"type": "redacted_thinking", "data": "abcd"}, 11, id="by-its-json"),
    ],
)
def test_blocks_count_by_what_is_in_them(block: dict[str, Any], tokens: int) -> None:
    assert count_block(block) == tokens


def test_a_pdf_counts_its_pages_and_its_text() -> None:
    data = base64.b64encode(ONE_PAGE).decode()
    source = {"type": "base64", "media_type": "application/pdf", "data": data}

    assert count_block({"type": "document", "source": source}) == 1500


def test_a_breakpoint_weighs_nothing() -> None:
    marked = {"cache_control": {"type": "ephemeral"}}
    call = {"type": "tool_use", "id": "a", "name": "add", "input": {}}

    assert count_tool({**TOOL, **marked}) == count_tool(TOOL)
    assert count_block({**call, **marked}) == count_block(call)


def test_the_parts_add_up_to_the_whole() -> None:
    system = [{"type": "text", "text": "Be brief."}]
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]},
    ]

    whole = count_tokens({"tools": [TOOL, TOOL], "system": system, "messages": messages})

    assert whole == 2 * count_tool(TOOL) + count_content(system) + sum(count_message(message) for message in messages)
    assert count_tokens({"messages": messages[:1]}) == count_message(messages[0]) == 4


ONE_PAGE = (
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
    b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>\nendobj\n"
    b"xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n"
    b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n186\n%%EOF\n"
)
