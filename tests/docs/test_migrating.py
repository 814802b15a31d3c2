"""The page about other classes: what it says of their options' names is what the constructors say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey
from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")
RENAMED = re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", PAGE, re.MULTILINE)
[SAME_NAMES] = re.findall(r"by the model catalog\. (.*?) have the same names", PAGE, re.DOTALL)


@pytest.mark.parametrize(("theirs", "ours"), RENAMED)
@pytest.mark.parametrize("model", [ChatPortkey, Portkey])
def test_a_name_of_another_class_is_an_error_that_names_ours(
    model: type[ChatPortkey | Portkey], theirs: str, ours: str
) -> None:
    options: dict[str, Any] = {"model": "claude-sonnet-4-6", theirs: "x"}
    with pytest.raises(ValueError, match=f"unknown option '{theirs}': here it is '{ours}'"):
        model(**options)


def test_what_is_said_to_have_the_same_name_has_it() -> None:
    names = re.findall(r"`(\w+)`", SAME_NAMES)
    assert len(names) >= 10
    fields = ChatPortkey.model_fields
    assert set(names) <= fields.keys() | {field.alias for field in fields.values()}


@pytest.mark.parametrize(("needless", "model"), [("stream_usage", Portkey), ("use_responses_api", ChatPortkey)])
def test_what_is_so_in_any_case_is_said_to_be(needless: str, model: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="leave it out"):
        model(**{"model": "claude-sonnet-4-6", needless: True})
