"""Classes that users make are ready when they are imported: two threads that make the first one build nothing."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from portkey_gateway import GatewayOptions
from portkey_langchain import ChatPortkey, PortkeyEmbeddings, PortkeyPrompt
from portkey_langchain.completion import PortkeyPromptCompletion
from portkey_llamaindex import Portkey, PortkeyEmbedding, PortkeyPromptTemplate

MADE: list[Any] = [
    ChatPortkey, PortkeyEmbeddings, PortkeyPrompt, PortkeyPromptCompletion,
    Portkey, PortkeyEmbedding, PortkeyPromptTemplate, GatewayOptions,
]  # fmt: skip


@pytest.mark.parametrize("made", MADE, ids=lambda made: made.__name__)
def test_it_is_built_and_a_class_of_it_too(made: Any) -> None:
    class Own(made):  # type: ignore[misc]  # of any class
        note: str = ""

    assert made.__pydantic_complete__
    assert Own.__pydantic_complete__


@pytest.mark.parametrize("made", MADE, ids=lambda made: made.__name__)
def test_what_it_is_made_of_is_not(made: Any) -> None:
    ours = [base for base in made.__mro__[1:] if base.__module__.startswith("portkey_") and base.model_fields]
    assert ours
    assert not any(issubclass(base, BaseModel) and base.__pydantic_complete__ for base in ours)
