"""An excerpt is bounded, valid JSON or text, and holds no secrets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr
from typing_extensions import override

from portkey_gateway.tracing.excerpt import excerpt


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    api_key: str = "sk-secret"


class Login(BaseModel):
    user: str
    key: SecretStr


class Broken(Mapping[str, Any]):
    @override
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError

    @override
    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    @override
    def __len__(self) -> int:
        return 1


ID = UUID("123e4567-e89b-12d3-a456-426614174000")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("as it is: ü", "as it is: ü"),
        ({"a": [1, None, True, 0.5]}, '{"a": [1, null, true, 0.5]}'),
        ((1, {2}), "[1, [2]]"),
        ({1: float("nan")}, '{"1": "nan"}'),
        (b"123", "<3 bytes>"),
        ([Colour.RED, ID, PurePosixPath("/a"), Decimal("1.5")], f'["red", "{ID}", "/a", "1.5"]'),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (Point(1), '{"x": 1, "api_key": "**********"}'),
        (Login(user="u", key=SecretStr("sk-secret")), '{"user": "u", "key": "<SecretStr>"}'),
        (object(), "<object>"),
        (Broken(), "<Broken>"),
        ([Broken()], "<list>"),
        ([10**5000], "<list>"),
    ],
)
def test_every_kind_of_value(value: Any, expected: str) -> None:
    assert excerpt(value) == expected


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "x-api-key", "password", "db_passwd", "client_secret", "Authorization", "token", "auth-token",
     "access_token", "AWS_SECRET_ACCESS_KEY", "credentials", "set-cookie", "x-portkey-virtual-key"],
)  # fmt: skip
def test_values_under_names_of_secrets_are_masked(name: str) -> None:
    assert excerpt({"a": [{name: "sk-secret"}, {name: ["sk-secret"]}]}).count("**********") == 2
    assert "sk-secret" not in excerpt({name: {"deep": "sk-secret"}})


@pytest.mark.parametrize("name", ["max_tokens", "key", "token_count", "author", "keyword"])
def test_other_names_are_not(name: str) -> None:
    assert excerpt({name: "plain"}) == json.dumps({name: "plain"})


@pytest.mark.parametrize("name", ["arguments", "args", "tool_kwargs"])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"user": "ada", "password": "hunter2"}', {"user": "ada", "password": "**********"}),
        ('{"logins": [{"api_key": "hunter2"}]}', {"logins": [{"api_key": "**********"}]}),
        ('{"user": "ada", "password": "hunte', {"user": "ada", "password": "**********"}),
        ('{"user": "ada", "passw', {"user": "ada"}),
        ("{'password': 'hunter2'}", "**********"),
        ("{'user': 'ada'}", "{'user': 'ada'}"),
        ("What a password is", "What a password is"),
        ("", ""),
    ],
)
def test_secrets_in_a_tools_arguments_are_masked_though_they_are_text(name: str, arguments: str, told: Any) -> None:
    assert json.loads(excerpt([{name: arguments}])) == [{name: told}]


def test_long_arguments_are_cut_as_all_else() -> None:
    text = json.dumps({"password": "hunter2", "text": "ü" * 1_000_000})
    told = json.loads(excerpt({"arguments": text}))["arguments"]
    assert (told["password"], told["text"][-4:]) == ("**********", "ü...")
    assert 8000 < len(told["text"]) < 8200


IMAGE = "iVBORw0KGgo" * 1000


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": IMAGE, "mime_type": "image/png"},
        {"type": "image", "source_type": "base64", "data": IMAGE},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
        {"type": "image", "data": IMAGE, "mimeType": "image/png"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
        {"type": "input_audio", "input_audio": {"data": IMAGE, "format": "wav"}},
    ],
)
def test_images_and_files_are_named_without_their_data(block: dict[str, Any]) -> None:
    told = excerpt([block])
    assert "11000 characters of base64>" in told
    assert IMAGE[:11] not in told
    assert json.loads(told)[0]["type"] == block["type"]


@pytest.mark.parametrize("data", ["a,b\n1,2\n" * 20, "short", ["rows"], {"base64": "no"}])
def test_other_data_is_told(data: Any) -> None:
    value = {"data": data, "format": "csv"}
    assert json.loads(excerpt(value)) == value


def test_a_framework_may_bring_its_own_objects() -> None:
    assert excerpt([1j], convert=lambda value: "i" if isinstance(value, complex) else value) == '["i"]'


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.integers(1, 200))
def test_any_value_is_bounded_and_stays_json(value: Any, max_chars: int) -> None:
    text = excerpt(value, max_chars)
    # The marks of what was cut and JSON's own signs and escapes come on top.
    assert len(text.encode("utf-16", "surrogatepass")) < 40 * max_chars + 1000
    if isinstance(value, dict | list):
        assert isinstance(json.loads(text), dict | list)


def test_a_long_input_costs_no_more_than_a_short_one() -> None:
    endless: list[Any] = []
    endless.append(endless)
    begun = time.perf_counter()
    text = excerpt({"rows": ["x" * 1_000_000] * 100_000, "endless": endless})
    assert time.perf_counter() - begun < 0.1
    assert len(text) < 8300
    assert json.loads(text)["rows"][0].endswith("...")
    assert "..." in excerpt(endless)


class Slow(Mapping[str, Any]):
    """A mapping that takes its time for each of a thousand items."""

    @override
    def __getitem__(self, key: str) -> Any:
        time.sleep(0.15)
        return Slow()

    @override
    def __iter__(self) -> Iterator[str]:
        return map(str, range(1000))

    @override
    def __len__(self) -> int:
        return 1000


@pytest.mark.parametrize("value", [Slow(), [Slow()] * 50, {"a": {"b": Slow()}}])
def test_a_collection_that_is_slow_to_tell_holds_nobody_up(value: Any) -> None:
    begun = time.monotonic()
    assert "..." in excerpt(value)
    assert time.monotonic() - begun < 5
