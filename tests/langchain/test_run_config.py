"""`config` and `metadata` of a call: LangChain's own, and never silently the gateway's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portkey_gateway import GatewayConfig
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.support.recording import RecordingServer


@pytest.fixture
def local(server: RecordingServer) -> ChatPortkey:
    return ChatPortkey(model="gpt-5", provider="openai", base_url=server.base_url, metadata={"team": "a"})


@any_call
@pytest.mark.parametrize("kind", ["mapping", "typed", "id"])
def test_a_config_of_the_gateway_s_is_told_its_place(both: Sandbox, ask: Ask, kind: str) -> None:
    model = ChatPortkey(model=both.openai_model, max_retries=0, **both.options("openai"))
    given: Any = both.config()
    given = {"mapping": given, "typed": GatewayConfig.model_validate(given), "id": "pc-main-1a2b"}[kind]
    with pytest.raises(ValueError, match=r"config of a call is LangChain's RunnableConfig.*with_options\(config=…\)"):
        ask(model, "Hi", config=given)
    assert not both.openai.requests


@any_call
def test_a_bound_model_tells_it_too(both: Sandbox, ask: Ask) -> None:
    model = ChatPortkey(model=both.openai_model, max_retries=0, **both.options("openai")).bind(temperature=1)
    with pytest.raises(ValueError, match="config of a call is LangChain's RunnableConfig"):
        ask(model, "Hi", config=both.config())


@any_call
def test_metadata_of_one_call_are_labels(both: Sandbox, local: ChatPortkey, server: RecordingServer, ask: Ask) -> None:
    model = ChatPortkey(model=both.openai_model, max_retries=0, **both.options("openai"))
    assert ask(model, "Say exactly: yes", metadata={"plan": "paid"}).text == "yes"
    local.invoke("Hi", metadata={"plan": "paid"}, config={"metadata": {"user": "ann"}})
    sent = json.loads(server.requests[-1].header("x-portkey-metadata"))
    assert sent == {"team": "a", "user": "ann", "plan": "paid"}


def test_metadata_that_are_none_are_an_error(local: ChatPortkey) -> None:
    with pytest.raises(ValueError, match="metadata must be a mapping"):
        local.invoke("Hi", metadata="paid")
