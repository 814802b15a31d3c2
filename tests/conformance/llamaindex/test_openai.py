"""Every feature in every way that LlamaIndex has to ask for it, on OpenAI, through the real gateway.

What the emulated OpenAI received is checked beside the answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool

from portkey_gateway import BadRequestError, ContentError
from portkey_llamaindex import Portkey
from tests.conformance.llamaindex.test_features import WEATHER, Joke, Place, text_of
from tests.llamaindex.media import PDF, PDF_TEXT, PDF_URL, PNG, PNG_SIZE, PNG_URL
from tests.llamaindex.ways import CHAT, ask, ask_all, call, chat_way, every_way
from tests.support.media import BMP, MP4, WAV, WAV64

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

EARS = "gpt-4o-audio-preview"
"""What OpenAI hears and speaks with."""
SPEAKING = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}


@pytest.fixture
def openai(portkey_sandbox_with_openai: Sandbox) -> Iterator[Sandbox]:
    portkey_sandbox_with_openai.openai.clear()
    yield portkey_sandbox_with_openai
    portkey_sandbox_with_openai.openai.clear()


@pytest.fixture(params=["gpt-4o", "gpt-5"])
def llm(openai: Sandbox, request: pytest.FixtureRequest) -> Portkey:
    return Portkey(model=request.param, max_retries=0, **openai.options("openai"))


@pytest.fixture
def gpt_4o(openai: Sandbox) -> Portkey:
    return Portkey(model="gpt-4o", max_retries=0, **openai.options("openai"))


def sent(openai: Sandbox) -> dict[str, Any]:
    body: dict[str, Any] = openai.openai.requests[-1].body
    return body


@every_way
def test_text(llm: Portkey, openai: Sandbox, way: str) -> None:
    responses = ask_all(llm, way, "Please say: the sea is calm today", max_tokens=500)
    assert text_of(responses[-1]) == "the sea is calm today"
    assert responses[-1].raw["finish_reason"] == "stop"
    assert responses[-1].raw["usage"]["output_tokens"] > 0
    assert responses[-1].additional_kwargs["prompt_tokens"] > 0
    assert sent(openai)["max_completion_tokens"] == 500
    if "stream" in way:
        assert "".join(response.delta for response in responses) == "the sea is calm today"


@every_way
def test_tools(llm: Portkey, openai: Sandbox, way: str) -> None:
    response = ask(llm, way, "What is the weather in Paris?", tools=[WEATHER], tool_choice="required")
    assert sent(openai)["tool_choice"] == "required"
    if way not in CHAT:
        [called] = response.additional_kwargs["tool_calls"]
        assert json.loads(called["function"]["arguments"]) == {"city": "Paris"}
        return
    [block] = response.message.blocks
    assert isinstance(block, ToolCallBlock)
    assert (block.tool_name, block.tool_kwargs) == ("get_weather", {"city": "Paris"})
    result = ChatMessage(role=MessageRole.TOOL, content="rain", additional_kwargs={"tool_call_id": block.tool_call_id})
    told = ask(llm, way, [ChatMessage("What is the weather in Paris?"), response.message, result], tools=[WEATHER])
    assert text_of(told) == "The tool get_weather returned: rain"


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("way", [f"{way}_with_tools" for way in CHAT])
def test_tools_of_llamaindex(llm: Portkey, openai: Sandbox, way: str, *, parallel: bool) -> None:
    tool = FunctionTool.from_defaults(str.title, name="get_weather", fn_schema=Place, description="Get the weather.")
    options = {"tool_required": True, "allow_parallel_tool_calls": parallel}
    *_, response = call(getattr(llm, way), [tool], "What is the weather in Paris and in Rome?", **options)
    selections = llm.get_tool_calls_from_response(response)
    assert [selection.tool_name for selection in selections] == ["get_weather"] * len(selections)
    assert (sent(openai)["tool_choice"], sent(openai)["parallel_tool_calls"]) == ("required", parallel)


@chat_way
def test_image(gpt_4o: Portkey, openai: Sandbox, way: str) -> None:
    shown = ImageBlock(image=PNG, detail="low")
    response = ask(gpt_4o, way, [ChatMessage([TextBlock(text="What do you see?"), shown])])
    assert "PNG image, {} x {} pixels".format(*PNG_SIZE) in text_of(response)
    expected = {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}}
    assert sent(openai)["messages"][0]["content"][1] == expected


@chat_way
def test_document(gpt_4o: Portkey, openai: Sandbox, way: str) -> None:
    document = DocumentBlock(data=PDF, title="report.pdf")
    response = ask(gpt_4o, way, [ChatMessage([document, TextBlock(text="What does it say?")])])
    assert PDF_TEXT in text_of(response)
    expected = {"type": "file", "file": {"filename": "report.pdf", "file_data": PDF_URL}}
    assert sent(openai)["messages"][0]["content"][0] == expected


@chat_way
def test_a_sound(openai: Sandbox, gpt_4o: Portkey, way: str) -> None:
    ears = gpt_4o.with_options(model=EARS)
    response = ask(ears, way, [ChatMessage([TextBlock(text="What is it?"), AudioBlock(audio=WAV)])])
    assert "I hear a WAV recording of 0.5 seconds." in text_of(response)
    assert response.raw["usage"]["input_audio_tokens"] > 0
    heard = {"type": "input_audio", "input_audio": {"data": WAV64, "format": "wav"}}
    assert sent(openai)["messages"][0]["content"][1] == heard


@chat_way
def test_a_spoken_answer_and_its_replay(openai: Sandbox, gpt_4o: Portkey, way: str) -> None:
    ears = gpt_4o.with_options(model=EARS, additional_kwargs=SPEAKING)
    responses = ask_all(ears, way, "Say exactly: Hello there.")
    response = responses[-1]
    [block] = response.message.blocks
    assert isinstance(block, AudioBlock)
    assert (block.format, response.raw["audio"]["transcript"]) == ("pcm16", "Hello there.")
    assert len(base64.b64decode(block.audio)) > 1000  # type: ignore[arg-type]  # bytes
    assert response.raw["usage"]["output_audio_tokens"] > 0
    if "stream" in way:
        pieces = [each.additional_kwargs.get("audio_delta", {}) for each in responses]
        assert "".join(piece.get("data", "") for piece in pieces).encode() == block.audio
    history = [ChatMessage("Say exactly: Hello there."), response.message, ChatMessage("Say exactly: Again.")]
    ask(ears, way, history)
    reference = response.message.additional_kwargs["reference_audio_id"]
    assert sent(openai)["messages"][1]["audio"] == {"id": reference}


@pytest.mark.parametrize(("block", "what"), [
    (VideoBlock(video=MP4), "'video', video/mp4"),
    (ImageBlock(image=BMP), "'image', image/bmp"),
    (AudioBlock(audio=b"OggS" + bytes(40), format="ogg"), "'audio', audio/ogg"),
])  # fmt: skip
def test_what_openai_does_not_take_is_an_error_that_names_it(gpt_4o: Portkey, block: Any, what: str) -> None:
    with pytest.raises(ContentError, match=rf"messages\[0\]\.content\[1\] is a block of type {what}, .* reach OpenAI"):
        gpt_4o.chat([ChatMessage([TextBlock(text="What is it?"), block])])


@pytest.mark.parametrize(
    "way",
    ["structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict"],
)
def test_structured(llm: Portkey, openai: Sandbox, way: str) -> None:
    outputs = call(getattr(llm, way), Joke, PromptTemplate("Tell me a joke about {topic}"), topic="cats")
    assert outputs[-1] == Joke(setup="Why did the cats cross the road?", punchline="To get to the other side!")
    assert sent(openai)["tools"][0]["function"]["name"] == "Joke"


@pytest.mark.parametrize("way", ["chat", "achat", "complete", "acomplete"])
def test_further_choices_stand_in_raw(gpt_4o: Portkey, way: str) -> None:
    response = ask(gpt_4o, way, "Say exactly: Hello.", n=3)
    assert text_of(response) == "Hello."
    others = response.raw["other_choices"]
    assert [(other.message.content, other.raw["finish_reason"]) for other in others] == [("Hello.", "stop")] * 2


@pytest.mark.parametrize("way", ["stream_chat", "astream_chat"])
def test_a_stream_of_several_answers_is_refused(gpt_4o: Portkey, way: str) -> None:
    with pytest.raises(ValueError, match="n=2 asks for several answers"):
        ask(gpt_4o, way, "Hi", n=2)


@every_way
def test_a_refusal_and_how_likely_it_was(gpt_4o: Portkey, openai: Sandbox, way: str) -> None:
    openai.openai.reply_with(refusal="I cannot help with that.")
    response = ask(gpt_4o, way, "Hi", logprobs=True, top_logprobs=1)
    assert response.raw["refusal"] == "I cannot help with that."
    assert "".join(token["token"] for token in response.raw["logprobs"]["refusal"]) == "I cannot help with that."


@pytest.mark.parametrize("way", ["chat", "astream_chat"])
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("gpt-4o", {"seed": 7, "user": "ann", "logit_bias": {"50256": -100}, "store": True, "service_tier": "flex"}),
        ("gpt-4o", {"prediction": {"type": "content", "content": "Hi"}, "presence_penalty": 0.5}),
        ("gpt-5", {"reasoning_effort": "high", "verbosity": "low", "prompt_cache_key": "a"}),
    ],
)
def test_parameters_go_through(gpt_4o: Portkey, openai: Sandbox, way: str, name: str, asked: dict[str, Any]) -> None:
    response = ask(gpt_4o.with_options(model=name), way, "Hi", **asked)
    assert sent(openai).items() >= asked.items()
    assert response.raw["service_tier"] == asked.get("service_tier", "default")
    assert response.raw["system_fingerprint"]
    assert "accepted_prediction_tokens" in response.raw["token_usage"]["completion_tokens_details"]


@pytest.mark.parametrize("way", ["chat", "astream_chat"])
def test_openai_s_own_word_for_a_mistake_is_told(gpt_4o: Portkey, way: str) -> None:
    with pytest.raises(BadRequestError, match="top_logprobs"):
        ask(gpt_4o, way, "Hi", top_logprobs=2)
