"""The same questions to ``ChatOpenAI`` and to ``ChatPortkey``, on the same gateway and the same emulated OpenAI.

What ``ChatOpenAI`` says in an answer ``ChatPortkey`` says too, in the same place. It may say more, as it does of a
spoken answer in a stream. Ids differ with each call, and the names of providers and of error classes are their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx
import langchain_core.exceptions
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from portkey_gateway.sandbox import Fault
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, astream, invoke
from tests.langchain.media import PDF64, PNG64, PNG_URL
from tests.support.media import WAV64

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

TEXT: Final = {"type": "text", "text": "What is it?"}
SOUNDS: Final[list[dict[str, Any]]] = [
    {"type": "audio", "base64": WAV64, "mime_type": "audio/wav"},
    {"type": "audio", "source_type": "base64", "data": WAV64, "mime_type": "audio/wav"},
    {"type": "input_audio", "input_audio": {"data": WAV64, "format": "wav"}},
]
SIGHTS: Final[list[dict[str, Any]]] = [
    {"type": "image", "base64": PNG64, "mime_type": "image/png"},
    {"type": "image", "source_type": "base64", "data": PNG64, "mime_type": "image/png"},
    {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}},
    {"type": "image", "url": "https://example.org/a.png"},
    {"type": "file", "base64": PDF64, "mime_type": "application/pdf", "filename": "report.pdf"},
    {"type": "file", "file": {"filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF64}"}},
    {"type": "file", "file_id": "file-1"},
    {"type": "file", "file": {"file_id": "file-1"}},
]
SPEAKING: Final = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
MODELS: Final = ("gpt-4o", "gpt-5")
EARS: Final = "gpt-4o-audio-preview"
OWN: Final = frozenset({"id", "model_provider", "expires_at", "created", "parsed"})
"""Keys whose values are each one's own, and the object that ``ChatOpenAI`` leaves in a message's kwargs."""
KINDS: Final = tuple(
    getattr(langchain_core.exceptions, name) for name in dir(langchain_core.exceptions) if name.startswith("Model")
)
CITY: Final = {
    "title": "City",
    "description": "A city.",
    "type": "object",
    "properties": {"name": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["name", "population"],
}
LISBON: Final = {"name": "Lisbon", "population": 545000}
QUESTION: Final = "Which city is in the text? name: Lisbon, population: 545000. Answer in JSON."


once_each = pytest.mark.parametrize("ask", [invoke, astream])
"""Sync and async, whole and streamed: where the four ways only meet."""


class City(BaseModel):
    """A city."""

    name: str
    population: int


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"{city}: sunny"


@pytest.fixture
def openai(portkey_sandbox_with_openai: Sandbox) -> Iterator[Sandbox]:
    portkey_sandbox_with_openai.openai.clear()
    yield portkey_sandbox_with_openai
    portkey_sandbox_with_openai.openai.clear()


class Both:
    """Both classes, each asked as if it were the only one."""

    def __init__(self, sandbox: Sandbox, model: str) -> None:
        self._sandbox = sandbox
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{sandbox.openai.url}/v1"}
        reached: Any = {"base_url": sandbox.base_url, "api_key": sandbox.openai_api_key, "default_headers": headers}
        # Its own client outlives the event loop of the call that opened its connections, and fails in the next.
        client = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0))
        more: Any = {**reached, "http_async_client": client}
        self._theirs = ChatOpenAI(model=model, max_retries=0, stream_usage=True, **more)
        self._ours = ChatPortkey(model=model, max_retries=0, **sandbox.options("openai"))

    def ask(self, question: Callable[[Any], Any], **reply: Any) -> tuple[Any, Any]:
        """Ask both; what they raise is what they answer. ``reply`` is what OpenAI says, if it is not to think."""
        return self._asked(self._theirs, question, reply), self._asked(self._ours, question, reply)

    @property
    def sent(self) -> dict[str, Any]:
        """What reached OpenAI of the latest question."""
        body: dict[str, Any] = self._sandbox.openai.requests[-1].body
        return body

    def _asked(self, model: Any, question: Callable[[Any], Any], reply: dict[str, Any]) -> Any:
        self._sandbox.openai.clear()
        if reply:
            self._sandbox.openai.reply_with(**reply)
        return question(model)


@pytest.fixture(params=MODELS)
def both(openai: Sandbox, request: pytest.FixtureRequest) -> Both:
    return Both(openai, request.param)


@pytest.fixture
def gpt_4o(openai: Sandbox) -> Both:
    return Both(openai, "gpt-4o")


@pytest.fixture
def ears(openai: Sandbox) -> Both:
    return Both(openai, EARS)


def plain(said: Any) -> Any:
    """What a message, a list of them or an object says, as JSON."""
    if isinstance(said, AIMessage):
        shown = said.model_dump(
            include={"content", "tool_calls", "usage_metadata", "additional_kwargs", "response_metadata"}
        )
        return {**shown, "blocks": [block for block in said.content_blocks if block["type"] != "audio"]}
    if isinstance(said, Mapping):
        return {name: plain(value) for name, value in said.items()}
    if isinstance(said, list):
        return [*map(plain, said)]
    return said.model_dump() if isinstance(said, BaseModel) else said


def check_says_as_much(pair: tuple[Any, Any]) -> Any:
    """Check that ours says all that theirs says; returns ours."""
    theirs, ours = pair
    assert lacking(plain(theirs), plain(ours), "") == []
    return ours


def lacking(theirs: Any, ours: Any, path: str) -> list[str]:
    """Name what theirs says and ours does not; nothing is said by ``None``, 0 and what is empty."""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        said = {name: value for name, value in theirs.items() if name not in OWN and value}
        return [each for name, value in said.items() for each in lacking(value, ours.get(name), f"{path}.{name}")]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [
            each for at, pair in enumerate(zip(theirs, ours, strict=True)) for each in lacking(*pair, f"{path}[{at}]")
        ]
    return [] if theirs == ours else [f"{path}: {theirs!r:.200} is not {ours!r:.200}"]


# --- answers ----------------------------------------------------------------------------------------------------------


@any_call
def test_a_text(both: Both, ask: Ask) -> None:
    question = [SystemMessage("Be brief."), HumanMessage("Say exactly: Hello there.")]
    answer = check_says_as_much(both.ask(lambda model: ask(model, question)))
    assert answer.content == "Hello there."
    assert answer.usage_metadata


@any_call
def test_a_limit_and_an_end(gpt_4o: Both, ask: Ask) -> None:
    said = "Say exactly: one, two, three, four, five, six"
    cut = check_says_as_much(gpt_4o.ask(lambda model: ask(model, said, max_tokens=3)))
    assert cut.response_metadata["finish_reason"] == "length"
    ended = check_says_as_much(gpt_4o.ask(lambda model: ask(model, said, stop=["four"])))
    assert ended.content == "one, two, three, "


@any_call
def test_a_refusal(gpt_4o: Both, ask: Ask) -> None:
    answer = check_says_as_much(gpt_4o.ask(lambda model: ask(model, "Hi"), refusal="I cannot help with that."))
    assert answer.additional_kwargs["refusal"] == "I cannot help with that."


@any_call
def test_how_likely_each_token_was(gpt_4o: Both, ask: Ask) -> None:
    answer = check_says_as_much(
        gpt_4o.ask(lambda model: ask(model, "Say: Hello there.", logprobs=True, top_logprobs=2))
    )
    assert len(answer.response_metadata["logprobs"]["content"][0]["top_logprobs"]) == 2


@once_each
@pytest.mark.parametrize("tier", ["flex", "priority", "default"])
def test_a_tier_with_a_price_of_its_own(gpt_4o: Both, ask: Ask, tier: str) -> None:
    answer = check_says_as_much(gpt_4o.ask(lambda model: ask(model, "Hi", service_tier=tier)))
    assert answer.response_metadata["service_tier"] == tier


@any_call
def test_predicted_tokens_that_were_taken_or_not(gpt_4o: Both, ask: Ask) -> None:
    usage = {"completion_tokens_details": {"accepted_prediction_tokens": 3, "rejected_prediction_tokens": 1}}
    prediction = {"type": "content", "content": "Hello."}
    pair = gpt_4o.ask(lambda model: ask(model, "Hi", prediction=prediction), content="Hello.", usage=usage)
    answer = check_says_as_much(pair)
    details = answer.response_metadata["token_usage"]["completion_tokens_details"]
    assert (details["accepted_prediction_tokens"], details["rejected_prediction_tokens"]) == (3, 1)
    assert gpt_4o.sent["prediction"] == prediction


@once_each
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("gpt-4o", {"seed": 7, "user": "ann", "logit_bias": {"50256": -100}, "store": True, "metadata": None}),
        ("gpt-4o", {"presence_penalty": 0.5, "frequency_penalty": 0.5, "top_p": 0.3, "temperature": 0.1}),
        ("gpt-5", {"reasoning_effort": "high", "verbosity": "low", "store": False, "service_tier": "flex"}),
        ("gpt-5", {"prompt_cache_key": "a", "safety_identifier": "b", "max_completion_tokens": 900}),
    ],
)
def test_parameters_go_through(openai: Sandbox, ask: Ask, name: str, asked: dict[str, Any]) -> None:
    pair = Both(openai, name)
    asked = {name: value for name, value in asked.items() if value is not None}
    check_says_as_much(pair.ask(lambda model: ask(model, "Hi", **asked)))
    assert pair.sent.items() >= asked.items()


# --- several answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["generate", "agenerate"])
async def test_further_choices_are_further_generations(gpt_4o: Both, way: str) -> None:
    question = [[HumanMessage("Say exactly: Hello.")]]
    models = gpt_4o.ask(lambda model: model)
    results = [
        await model.agenerate(question, n=3) if way == "agenerate" else model.generate(question, n=3)
        for model in models
    ]
    theirs, ours = ([generation.message for generation in result.generations[0]] for result in results)
    check_says_as_much((theirs, ours))
    assert [message.content for message in ours] == ["Hello."] * 3


def test_several_calls_of_several_choices(gpt_4o: Both) -> None:
    def calls(model: Any) -> list[Any]:
        bound = model.bind_tools([get_weather], tool_choice="any").bind(n=2)
        result = bound.bound.generate([[HumanMessage("What is the weather in Paris?")]], **bound.kwargs)
        return [generation.message for generation in result.generations[0]]

    messages = check_says_as_much(gpt_4o.ask(calls))
    assert [message.tool_calls[0]["args"] for message in messages] == [{"city": "Paris"}] * 2
    assert len({message.tool_calls[0]["id"] for message in messages}) == 2


def test_a_stream_of_several_answers_is_refused(gpt_4o: Both) -> None:
    """``ChatOpenAI`` mixes them up token by token."""
    mixed, _ = gpt_4o.ask(lambda model: model)
    assert "".join(chunk.text for chunk in mixed.stream("Say exactly: Hello.", n=2)) != "Hello."
    with pytest.raises(ValueError, match="n=2 asks for several answers, and a stream tells one"):
        gpt_4o.ask(lambda model: None if isinstance(model, ChatOpenAI) else list(model.stream("Hi", n=2)))


# --- media ------------------------------------------------------------------------------------------------------------


@once_each
@pytest.mark.parametrize("block", SIGHTS)
def test_images_and_files(gpt_4o: Both, ask: Ask, block: dict[str, Any]) -> None:
    check_says_as_much(gpt_4o.ask(lambda model: ask(model, [HumanMessage([TEXT, block])])))


@any_call
@pytest.mark.parametrize("block", SOUNDS)
def test_sounds(ears: Both, ask: Ask, block: dict[str, Any]) -> None:
    answer = check_says_as_much(ears.ask(lambda model: ask(model, [HumanMessage([TEXT, block])])))
    assert "I hear a WAV recording of 0.5 seconds." in answer.text
    assert answer.usage_metadata["input_token_details"]["audio"] > 0


@any_call
def test_a_spoken_answer_and_its_replay(ears: Both, ask: Ask) -> None:
    answer = check_says_as_much(ears.ask(lambda model: ask(model, "Say exactly: Hello there.", **SPEAKING)))
    sound = answer.additional_kwargs["audio"]
    assert (answer.content, sound["transcript"]) == ("", "Hello there.")
    assert sound["data"]
    [block] = answer.content_blocks
    assert (block["type"], block["base64"], block["mime_type"]) == ("audio", sound["data"], "audio/pcm")
    assert answer.usage_metadata["output_token_details"]["audio"] > 0
    history = [HumanMessage("Say exactly: Hello there."), answer, HumanMessage("Say exactly: Again.")]
    check_says_as_much(ears.ask(lambda model: ask(model, history, **SPEAKING)))
    assert ears.sent["messages"][1]["audio"] == {"id": sound["id"]}


# --- tools and objects ------------------------------------------------------------------------------------------------


@once_each
@pytest.mark.parametrize("choice", ["auto", "any", "get_weather", None])
def test_a_tool_loop(both: Both, ask: Ask, choice: str | None) -> None:
    question = HumanMessage("What is the weather in Paris?")
    call = check_says_as_much(
        both.ask(lambda model: ask(model.bind_tools([get_weather], tool_choice=choice), [question]))
    )
    [called] = call.tool_calls
    history = [question, call, ToolMessage("Paris: sunny", tool_call_id=called["id"])]
    answer = check_says_as_much(both.ask(lambda model: ask(model.bind_tools([get_weather]), history)))
    assert "sunny" in answer.text


@once_each
@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls(both: Both, ask: Ask, parallel: bool) -> None:
    def weather(model: Any) -> AIMessage:
        bound = model.bind_tools([get_weather], tool_choice="any", parallel_tool_calls=parallel)
        return ask(bound, "What is the weather in Paris and in Rome?")

    check_says_as_much(both.ask(weather))
    assert both.sent["parallel_tool_calls"] is parallel


# Of the object that ChatOpenAI leaves in the message.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize("schema", [City, CITY])
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_an_object(
    both: Both, method: Literal["function_calling", "json_schema"], schema: Any, strict: bool | None
) -> None:
    def objects(model: Any) -> list[Any]:
        *_, streamed = model.with_structured_output(schema, method=method, strict=strict).stream(QUESTION)
        told = model.with_structured_output(schema, method=method, strict=strict, include_raw=True).invoke(QUESTION)
        raw = told["raw"]
        return [
            *map(plain, (streamed, told["parsed"])),
            raw.content,
            raw.tool_calls,
            raw.response_metadata["finish_reason"],
        ]

    streamed, whole, *_ = check_says_as_much(both.ask(objects))
    assert streamed == whole == LISBON


def test_an_object_in_json_mode(both: Both) -> None:
    """``ChatOpenAI`` leaves it to the user to tell the model the schema."""
    instructed = f"{QUESTION} Use this JSON schema: {json.dumps(CITY)}"

    def objects(model: Any) -> list[Any]:
        chain = model.with_structured_output(City, method="json_mode", include_raw=True)
        return [chain.invoke(question)["parsed"] for question in (QUESTION, instructed)]

    _, ours = both.ask(objects)
    assert plain(ours) == [LISBON, LISBON]
    assert both.sent["response_format"] == {"type": "json_object"}


@any_call
def test_a_format_of_the_answer(both: Both, ask: Ask) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "City", "schema": {**CITY, "additionalProperties": False}}}
    answer = check_says_as_much(both.ask(lambda model: ask(model, QUESTION, response_format=form)))
    assert json.loads(answer.text) == LISBON


# --- errors -----------------------------------------------------------------------------------------------------------


@once_each
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"model": "no-such-model"}, 404),
        ({"top_logprobs": 2}, 400),
        ({"reasoning_effort": "high"}, 400),
        ({"response_format": {"type": "json_object"}}, 400),
    ],
)
def test_what_openai_refuses(gpt_4o: Both, ask: Ask, asked: dict[str, Any], status: int) -> None:
    def failure(model: Any) -> Exception | None:
        try:
            ask(model, "Hi", **asked)
        except Exception as error:  # noqa: BLE001 each has classes of its own
            return error
        return None

    check_fail_alike(gpt_4o.ask(failure), status)


@once_each
@pytest.mark.parametrize("status", [401, 403, 404, 408, 413, 422, 429, 500, 503])
def test_what_fails(openai: Sandbox, ask: Ask, status: int) -> None:
    def failure(model: Any) -> Exception | None:
        openai.openai.inject(Fault("status", status=status))
        try:
            ask(model, "Hi")
        except Exception as error:  # noqa: BLE001 each has classes of its own
            return error
        return None

    check_fail_alike(Both(openai, "gpt-4o").ask(failure), status)


def check_fail_alike(pair: tuple[Any, Any], status: int) -> None:
    """Check that ours is of every kind of LangChain's that theirs is, and tells the same status."""
    theirs, ours = pair
    assert [kind for kind in KINDS if isinstance(theirs, kind) and not isinstance(ours, kind)] == []
    assert (theirs.status_code, ours.status) == (status, status)
