"""Runs of every kind for the tracer's tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from pydantic import Field
from typing_extensions import override

from tests.support.receiver import Received


class Theirs(FakeMessagesListChatModel):
    """A model that is not ours, and tells of itself what models tell."""

    headers: dict[str, str] = Field(default_factory=dict)

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return {
            "ls_provider": "amazon_bedrock", "ls_model_name": "nova", "ls_temperature": 0.5, "ls_max_tokens": 9,
            "ls_stop": ["END"],
        }  # fmt: skip

    @override
    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self


def told(**more: Any) -> AIMessage:
    usage: Any = {
        "input_tokens": 7, "output_tokens": 3, "total_tokens": 10,
        "input_token_details": {"cache_read": 4, "cache_creation": 1}, "output_token_details": {"reasoning": 2},
    }  # fmt: skip
    facts = {"model_name": "nova-1", "stop_reason": "end_turn", "id": "msg_1"}
    return AIMessage("Hello.", usage_metadata=usage, response_metadata=facts, **more)


class Shelf(BaseRetriever):
    @override
    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        if query == "burn":
            raise OSError("on fire")
        return [Document(f"about {query}", id="d1", metadata={"page": 3})]


def one(spans: list[Received], name: str) -> Received:
    [span] = [span for span in spans if span.name == name]
    return span


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    if city == "Atlantis":
        raise ValueError(city)
    return f"sunny in {city}"


def failing(_: Any) -> str:
    raise ValueError("the text of the user")
