"""Parameters beside messages, tools and thinking: what passes and what is refused with which words."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.validate import validate

BASE: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in BASE.items() if name != key}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="least"),
        pytest.param({"stream": True, "system": [], "tools": []}, id="the-gateway's-empty-lists"),
        pytest.param({"system": "Be brief."}, id="system-text"),
        pytest.param({"system": [{"type": "text", "text": "Be brief."}]}, id="system-blocks"),
        pytest.param({"temperature": 0}, id="temperature-whole"),
        pytest.param({"temperature": 0.5, "top_k": 0}, id="temperature-and-top-k"),
        pytest.param({"top_p": 0.9}, id="top-p"),
        pytest.param({"model": "claude-3-haiku-20240307", "temperature": 0.5, "top_p": 0.9}, id="both-on-old-model"),
        pytest.param({"model": "claude-opus-4-20250514", "temperature": 0.5, "top_p": 0.9}, id="both-on-dated-opus-4"),
        pytest.param({"model": "claude-opus-4-7", "temperature": 1}, id="default-on-new-model"),
        pytest.param({"stop_sequences": ["END", "\n\nHuman:"]}, id="stop"),
        pytest.param({"metadata": {"user_id": "u-1"}}, id="metadata"),
        pytest.param({"metadata": {"user_id": None}}, id="metadata-null"),
        pytest.param({"service_tier": "standard_only", "container": "container_1"}, id="tier-and-container"),
        pytest.param(
            {
                "output_config": {
                    "format": {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}}
                }
            },
            id="output-config",
        ),
        pytest.param({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, id="automatic-caching"),
    ],
)
def test_good_parameters_pass(changes: dict[str, Any]) -> None:
    body = {**BASE, **changes}
    before = repr(body)

    validate(body)

    assert repr(body) == before


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        pytest.param([], 400, "Input should be a valid dictionary", id="list"),
        pytest.param("text", 400, "Input should be a valid dictionary", id="text"),
        pytest.param(None, 400, "Input should be a valid dictionary", id="null"),
        pytest.param(without("model"), 400, "model: Field required", id="no-model"),
        pytest.param(without("max_tokens"), 400, "max_tokens: Field required", id="no-max-tokens"),
        pytest.param(without("messages"), 400, "messages: Field required", id="no-messages"),
        pytest.param({**BASE, "model": "gpt-4o"}, 404, "model: gpt-4o", id="other-model"),
        pytest.param({**BASE, "model": "@slug/claude-sonnet-4-5"}, 404, "model: @slug/claude-sonnet-4-5", id="slug"),
        pytest.param({**BASE, "model": "claude-"}, 404, "model: claude-", id="bare-name"),
        pytest.param({**BASE, "model": 4}, 400, "model: Input should be a valid string", id="model-number"),
        pytest.param({**BASE, "n": 1}, 400, "n: Extra inputs are not permitted", id="unknown"),
        pytest.param({**BASE, "seed": 1}, 400, "seed: Extra inputs are not permitted", id="openai-seed"),
        pytest.param({**BASE, "stop": ["a"]}, 400, "stop: Extra inputs are not permitted", id="openai-stop"),
        pytest.param({**BASE, "workspace_id": "w"}, 400, "workspace_id: Extra inputs are not permitted", id="header"),
        pytest.param(
            {**BASE, "max_tokens": -1}, 400, "max_tokens: Input should be greater than or equal to 0", id="-1"
        ),
        pytest.param({**BASE, "max_tokens": "9"}, 400, "max_tokens: Input should be a valid integer", id="digits"),
        pytest.param({**BASE, "max_tokens": True}, 400, "max_tokens: Input should be a valid integer", id="true"),
        pytest.param({**BASE, "max_tokens": 1.5}, 400, "max_tokens: Input should be a valid integer", id="fraction"),
        pytest.param(
            {**BASE, "temperature": 1.1}, 400, "temperature: Input should be less than or equal to 1", id="hot"
        ),
        pytest.param(
            {**BASE, "temperature": -1}, 400, "temperature: Input should be greater than or equal to 0", id="cold"
        ),
        pytest.param({**BASE, "temperature": None}, 400, "temperature: Input should be a valid number", id="null-temp"),
        pytest.param({**BASE, "top_p": 1.01}, 400, "top_p: Input should be less than or equal to 1", id="top-p-high"),
        pytest.param({**BASE, "top_p": -1}, 400, "top_p: Input should be greater than or equal to 0", id="top-p-low"),
        pytest.param({**BASE, "top_k": -1}, 400, "top_k: Input should be greater than or equal to 0", id="top-k-low"),
        pytest.param(
            {**BASE, "temperature": 0.5, "top_p": 0.9},
            400,
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
            id="two-samplers",
        ),
        pytest.param(
            {**BASE, "model": "claude-opus-4-7", "temperature": 0.5},
            400,
            "`temperature` is deprecated for this model.",
            id="sampling-gone-opus",
        ),
        pytest.param(
            {**BASE, "model": "claude-sonnet-5", "top_k": 5},
            400,
            "`top_k` is deprecated for this model.",
            id="sampling-gone-5",
        ),
        pytest.param({**BASE, "stop_sequences": "END"}, 400, "stop_sequences: Input should be a valid list", id="stop"),
        pytest.param(
            {**BASE, "stop_sequences": ["\n"]},
            400,
            "stop_sequences: each stop sequence must contain non-whitespace",
            id="blank-stop",
        ),
        pytest.param(
            {**BASE, "stop_sequences": [1]}, 400, "stop_sequences.0: Input should be a valid string", id="stop-number"
        ),
        pytest.param({**BASE, "stream": "yes"}, 400, "stream: Input should be a valid boolean", id="stream-text"),
        pytest.param(
            {**BASE, "service_tier": "flex"},
            400,
            "service_tier: Input should be 'auto' or 'standard_only'",
            id="tier",
        ),
        pytest.param(
            {**BASE, "metadata": {"tag": "x"}}, 400, "metadata.tag: Extra inputs are not permitted", id="metadata-key"
        ),
        pytest.param(
            {**BASE, "metadata": {"user_id": "u" * 257}},
            400,
            "metadata.user_id: String should have at most 256 characters",
            id="long-user",
        ),
        pytest.param({**BASE, "system": None}, 400, "system: Input should be a valid string or a valid list", id="sys"),
        pytest.param(
            {**BASE, "system": [{"type": "text", "text": ""}]},
            400,
            "system: text content blocks must be non-empty",
            id="empty-system-block",
        ),
        pytest.param(
            {**BASE, "system": [{"type": "text", "text": " \n"}]},
            400,
            "system: text content blocks must contain non-whitespace text",
            id="blank-system-block",
        ),
        pytest.param(
            {**BASE, "system": [{"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}]},
            400,
            "system.0.type: Input should be 'text'",
            id="system-image",
        ),
        pytest.param(
            {**BASE, "mcp_servers": []}, 400, "mcp_servers: Extra inputs are not permitted", id="beta-without-header"
        ),
    ],
)
def test_bad_parameters_are_refused(body: object, status: int, message: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        validate(body)

    assert (caught.value.status, caught.value.message) == (status, message)


def test_counting_tokens_takes_no_parameters_of_an_answer() -> None:
    counted = {"model": "claude-sonnet-4-5", "messages": BASE["messages"], "system": "Be brief."}

    validate(counted, count_only=True)
    with pytest.raises(ClaudeError, match="max_tokens: Extra inputs are not permitted"):
        validate(BASE, count_only=True)


def test_a_beta_header_opens_the_beta_fields() -> None:
    beta_body = {**BASE, "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}

    validate(beta_body, betas=["context-management-2025-06-27"])
    with pytest.raises(ClaudeError, match="context_management: Extra inputs are not permitted"):
        validate(beta_body)
    with pytest.raises(ClaudeError, match="betas: Extra inputs are not permitted"):
        validate({**BASE, "betas": []}, betas=["context-management-2025-06-27"])
