"""Images that are data without their media type: what they are is seen, where LangChain's tracing refuses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate

from portkey_gateway.errors import ContentError
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, invoke
from tests.langchain.media import PNG64 as PNG

if TYPE_CHECKING:
    from tests.langchain.test_native_format import Received

FORMS: list[dict[str, Any]] = [
    {"type": "image", "base64": PNG},
    {"type": "image", "base64": PNG, "mime_type": None},
    {"type": "image", "source_type": "base64", "data": PNG},
]


@any_call
@pytest.mark.parametrize("block", FORMS)
def test_they_reach_claude(model: ChatPortkey, ask: Ask, received: Received, block: dict[str, Any]) -> None:
    given = [HumanMessage(["What is this?", block])]
    ask(model, given)
    [image] = [each for each in received()["messages"][0]["content"] if each["type"] == "image"]
    assert image["source"]["media_type"] == "image/png"
    assert given[0].content == ["What is this?", block]


@any_call
def test_by_a_prompt_and_in_a_tool_s_result_too(model: ChatPortkey, ask: Ask, received: Received) -> None:
    prompt = ChatPromptTemplate.from_messages([("human", [{"type": "image", "base64": "{image}"}])])
    ask(model, prompt.invoke({"image": PNG}))
    assert received()["messages"][0]["content"][0]["type"] == "image"
    call = {"name": "look", "args": {}, "id": "toolu_1"}
    turns: list[Any] = [("human", "Look."), {"role": "assistant", "content": "", "tool_calls": [call]}]
    ask(model, [*turns, ToolMessage([{"type": "image", "base64": PNG}], tool_call_id="toolu_1")])
    assert '"image/png"' in str(received()["messages"][2]).replace("'", '"')


@any_call
@pytest.mark.parametrize("data", ["!!!notb64", "AAAAAAAAAAAAAAAA"])
def test_what_is_no_image_is_an_error_that_names_the_block(model: ChatPortkey, ask: Ask, data: str) -> None:
    with pytest.raises(ContentError, match=r"^messages\[1\]\.content\[1\]: "):
        ask(model, [("system", "Hi"), HumanMessage(["What is this?", {"type": "image", "base64": data}])])


def test_others_are_left_as_they_are(model: ChatPortkey) -> None:
    typed = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    blocks: Any = [{"type": "image", "url": "https://a.b/c.png"}, typed]
    message = HumanMessage(blocks)
    [same] = model._convert_input([message]).to_messages()
    assert same.content is message.content
    assert invoke(model, "Hi").text
