"""What the emulated OpenAI says: words, tool calls, JSON bound to its schema, and where an answer is cut."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from portkey_gateway.sandbox.claude.brain import REFUSAL_MAGIC
from portkey_gateway.sandbox.openai.compose import compose, count_reply
from portkey_gateway.sandbox.openai.pattern import example_of
from portkey_gateway.sandbox.openai.reply import Reply
from portkey_gateway.sandbox.openai.validate import validate
from tests.sandbox.test_openai_validate_media import PDF, file, image, png, sound, wav

Schema = dict[str, Any]


def ask(*messages: Any, model: str = "gpt-4o", **more: Any) -> Reply:
    said = [{"role": "user", "content": each} if isinstance(each, str | list) else each for each in messages]
    body = {"model": model, "messages": said, **more}
    validate(body)
    return compose(body)


def tool(name: str, description: str, **properties: Any) -> Schema:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


STRING: Schema = {"type": "string"}
WEATHER = tool("get_weather", "Get the weather of a city", city=STRING)
ADD = tool("add", "Add two numbers", a={"type": "integer"}, b={"type": "integer"})


def called(reply: Reply) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in reply.tool_calls]


def test_words() -> None:
    assert ask("Say exactly: good morning").content == "good morning"
    assert ask({"role": "developer", "content": "Always say: moo"}, "Well?").content == "moo"
    assert ask("My name is Ada.", {"role": "assistant", "content": "Hi"}, "What is my name?").content == (
        "Your name is Ada."
    )


def test_tools_are_called_in_parallel_and_their_results_told() -> None:
    reply = ask("What is the weather in Paris and Tokyo?", tools=[WEATHER, ADD])
    assert called(reply) == [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Tokyo"})]
    assert (reply.content, reply.finish_reason) == (None, "tool_calls")
    ids = [call.id for call in reply.tool_calls]
    assert len(set(ids)) == 2
    assert all(each.startswith("call_") and len(each) <= 40 for each in ids)
    history = [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in reply.tool_calls
            ],
        },
        *({"role": "tool", "tool_call_id": each, "content": f"sunny {each}"} for each in ids),
    ]
    last = ask("What is the weather in Paris and Tokyo?", *history, tools=[WEATHER, ADD])
    assert last.finish_reason == "stop"
    assert all(f"sunny {each}" in (last.content or "") for each in ids)


def test_the_choice_of_tools_is_kept() -> None:
    question = "What is the weather in Paris and Tokyo?"
    assert len(ask(question, tools=[WEATHER], parallel_tool_calls=False).tool_calls) == 1
    assert not ask(question, tools=[WEATHER], tool_choice="none").tool_calls
    assert not ask("Hello", tools=[WEATHER]).tool_calls
    assert len(ask("Hello", tools=[WEATHER], tool_choice="required").tool_calls) == 1
    named = {"type": "function", "function": {"name": "add"}}
    assert called(ask(question, tools=[WEATHER, ADD], tool_choice=named))[0][0] == "add"
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [ADD]}}
    assert called(ask(question, tools=[WEATHER, ADD], tool_choice=allowed))[0][0] == "add"


def test_other_kinds_of_tools() -> None:
    custom = {"type": "custom", "custom": {"name": "run_code", "description": "Runs code"}}
    [call] = ask("Use run_code for: print(1)", model="gpt-5", tools=[custom]).tool_calls
    assert call.custom
    assert "print(1)" in call.arguments
    [legacy] = ask("What is the weather in Paris?", functions=[WEATHER["function"]]).tool_calls
    assert (legacy.name, json.loads(legacy.arguments)) == ("get_weather", {"city": "Paris"})
    told = ask(
        "What is the weather in Paris?",
        {"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": "{}"}},
        {"role": "function", "name": "get_weather", "content": "sunny"},
        functions=[WEATHER["function"]],
    )
    assert "sunny" in (told.content or "")


def strict_object(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


NODE = strict_object(value={"type": "integer"}, next={"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]})
TREE = strict_object(value={"type": "integer"}, kids={"type": "array", "items": {"$ref": "#/$defs/N"}})
SCHEMAS: dict[str, Schema] = {
    "enum": strict_object(a={"type": "string", "enum": ["x", "y"]}, b={"type": "integer", "enum": [3, 4]}),
    "const": strict_object(a={"type": "string", "const": "q"}),
    "nullable": strict_object(a={"type": ["string", "null"]}, b={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    "range": strict_object(
        a={"type": "integer", "minimum": 10, "maximum": 12},
        b={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    ),
    "multiple": strict_object(
        a={"type": "integer", "multipleOf": 5}, b={"type": "number", "multipleOf": 0.25, "minimum": 3.1}
    ),
    "lists": strict_object(
        a={"type": "array", "items": STRING, "minItems": 3, "maxItems": 4},
        b={"type": "array", "items": {"type": "integer"}, "maxItems": 1},
        c={"type": "array", "items": strict_object(n=STRING, p={"type": "number"})},
    ),
    "deep": strict_object(
        a=strict_object(b=strict_object(c=strict_object(d=strict_object(e=strict_object(f=STRING)))))
    ),
    "list that goes on": {**strict_object(node={"$ref": "#/$defs/N"}), "$defs": {"N": NODE}},
    "tree": {**strict_object(node={"$ref": "#/$defs/N"}), "$defs": {"N": TREE}},
    "itself": strict_object(a=STRING, me={"anyOf": [{"type": "null"}, {"$ref": "#"}]}),
    "pattern": strict_object(a={"type": "string", "pattern": r"^[A-Z]{3}-\d+$"}),
    "length": strict_object(a={"type": "string", "minLength": 30}, b={"type": "string", "maxLength": 3}),
    "union": strict_object(
        a={
            "anyOf": [
                strict_object(k={"type": "string", "const": "one"}),
                strict_object(k={"type": "string", "const": "two"}, v=STRING),
            ]
        }
    ),
    "formats": strict_object(d={"type": "string", "format": "date"}, i={"type": "string", "format": "ipv4"}),
}
QUESTIONS = (
    "It is 21.5 degrees in Paris and 7 in Rome, about cats",
    "Hello",
    "Numbers 1 2 3 4 5, names Ada, Bob, Eve and Kim",
    "1000000 -5",
)


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_is_bound_to_its_schema(kind: str, question: str) -> None:
    schema = SCHEMAS[kind]
    form = {"name": "f", "schema": schema, "strict": True}
    reply = ask(question, response_format={"type": "json_schema", "json_schema": form})
    judge = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    judge.validate(json.loads(reply.content or ""))
    strict = {"type": "function", "function": {"name": "fill", "parameters": schema, "strict": True}}
    [call] = ask(question, tools=[strict], tool_choice="required").tool_calls
    judge.validate(json.loads(call.arguments))


@pytest.mark.parametrize(
    "part", [{"$ref": "#"}, {"$ref": "#/$defs/Loop"}, {"type": "string", "enum": []}], ids=["itself", "loop", "empty"]
)
def test_a_schema_that_nothing_fits_still_gets_an_object(part: Schema) -> None:
    schema = {**strict_object(a=part), "$defs": {"Loop": {"$ref": "#/$defs/Loop"}}}
    form = {"type": "json_schema", "json_schema": {"name": "f", "schema": schema, "strict": True}}
    assert isinstance(json.loads(ask("Hello", response_format=form).content or ""), dict)


def test_what_the_question_says_stands_in_the_answer() -> None:
    schema = strict_object(city=STRING, degrees={"type": "integer"})
    form = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema, "strict": True}}
    reply = ask("It is 21 degrees in Paris", response_format=form)
    assert json.loads(reply.content or "") == {"city": "Paris", "degrees": 21}


def test_json_objects() -> None:
    wanted = {"type": "json_object"}
    reply = ask('Reply in JSON with "city" and "mood" as keys. The city is Rome.', response_format=wanted)
    assert json.loads(reply.content or "")["city"] == "Rome"


@pytest.mark.parametrize("pattern", [r"^a+b?c{2}$", r"^(x|y)[^xyz]\w\s.$", r"^[0-9]{4}-(0[1-9]|1[0-2])$", r"[\d_]"])
def test_patterns_have_examples(pattern: str) -> None:
    assert Draft202012Validator({"pattern": pattern}).is_valid(example_of(pattern))
    assert example_of(pattern)


def test_a_pattern_that_looks_around_has_none() -> None:
    assert example_of(r"^(?=.*\d)a$") == ""


def test_images_files_and_sounds_are_looked_at() -> None:
    seen = ask([{"type": "text", "text": "What is this?"}, image(f"data:image/png;base64,{png()}")])
    assert "a PNG image, 4 x 3 pixels, mostly red" in (seen.content or "")
    read = ask([file(filename="a.pdf", file_data=f"data:application/pdf;base64,{PDF}")])
    assert "a PDF “a.pdf” of 1 page." in (read.content or "")
    said = [{"type": "text", "text": "Say exactly: yes"}, sound(wav())]
    heard = ask(said, model="gpt-4o-audio-preview")
    assert ask(said, model="gpt-audio").content == heard.content
    assert heard.content == "I hear a WAV recording of 1.0 seconds.\nyes"


def test_reasoning_is_spent_before_the_first_word() -> None:
    assert ask("Hello").reasoning_tokens == 0
    assert ask("Hello", model="gpt-5").reasoning_tokens == 64
    assert ask("Hello", model="gpt-5", reasoning_effort="minimal").reasoning_tokens == 0
    assert ask("Hello", model="o3", reasoning_effort="high").reasoning_tokens == 192
    assert ask("Hello", model="gpt-5.1").reasoning_tokens == 0
    none_left = ask("Hello", model="gpt-5", max_completion_tokens=10)
    assert (none_left.content, none_left.finish_reason, count_reply(none_left)) == ("", "length", 10)


def test_the_limit_of_tokens_cuts() -> None:
    words = ask("Count to 50", max_completion_tokens=5)
    assert (words.content, words.finish_reason) == ("1, 2, 3, 4, 5, 6, 7,", "length")
    assert count_reply(words) == 5
    calls = ask("What is the weather in Paris and Tokyo?", tools=[WEATHER], max_tokens=5)
    assert [call.arguments for call in calls.tool_calls] == ['{"city":']
    assert calls.finish_reason == "length"
    assert ask("Say exactly: done", max_tokens=1).finish_reason == "stop"


def test_stop_sequences_cut_without_a_trace() -> None:
    assert ask("Count to 9", stop="4").content == "1, 2, 3, "
    reply = ask("Count to 9", stop=["9", "3", "x"])
    assert (reply.content, reply.finish_reason) == ("1, 2, ", "stop")


def test_a_refusal_is_no_content() -> None:
    reply = ask(REFUSAL_MAGIC)
    assert reply.content is None
    assert reply.refusal
    assert reply.finish_reason == "stop"
