"""When the emulated Claude calls tools, which ones, and with what."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portkey_gateway.sandbox.claude.brain import think
from portkey_gateway.sandbox.claude.brain.arguments import fill

INTEGER = {"type": "integer"}
STRING = {"type": "string"}


def tool(name: str, description: str = "", *, required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    needed = list(properties) if required is None else required
    schema = {"type": "object", "properties": properties, "required": needed}
    return {"name": name, "description": description, "input_schema": schema}


MAGIC = tool("magic_function", "Apply a magic function to an input.", input=INTEGER)
NO_ARGUMENTS = tool("magic_function_no_args", "Calculate a magic function.")
ADD = tool("add", "Add two numbers.", a=INTEGER, b=INTEGER)
MULTIPLY = tool("multiply", "Multiply two numbers.", a=INTEGER, b=INTEGER)
UNIT = {"type": "string", "enum": ["celsius", "fahrenheit"]}
WEATHER = tool("get_weather", "Get the weather in a city.", required=["city"], city=STRING, unit=UNIT)
TIME = tool("get_time", "Get the local time.", city=STRING)
FORECAST = tool("get_weather_forecast", "Get the forecast.", city=STRING)


def request(text: str, *tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-6",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": text}],
        "tools": list(tools),
        **more,
    }


def calls(body: dict[str, Any]) -> list[tuple[str, Any]]:
    reply = think(body)
    found = [(block["name"], block["input"]) for block in reply.content if block["type"] == "tool_use"]
    assert reply.stop_reason == ("tool_use" if found else "end_turn")
    return found


def answered(body: dict[str, Any], *results: Any) -> dict[str, Any]:
    """Return the request that follows when these results are given to what `body` calls."""
    uses = list(think(body).content)
    given = [
        {"type": "tool_result", "tool_use_id": use["id"], "content": result}
        for use, result in zip(uses, results, strict=True)
    ]
    turns = [{"role": "assistant", "content": uses}, {"role": "user", "content": given}]
    return {**body, "messages": [*body["messages"], *turns]}


@pytest.mark.parametrize(
    ("text", "tools", "expected"),
    [
        ("What is the value of magic_function(3)? Use the tool.", [MAGIC], [("magic_function", {"input": 3})]),
        ("What is the value of magic_function_no_args()?", [MAGIC, NO_ARGUMENTS], [("magic_function_no_args", {})]),
        (
            "What is magic_function(3), and what is magic_function(input=-4)?",
            [MAGIC],
            [("magic_function", {"input": 3}), ("magic_function", {"input": -4})],
        ),
        ("Call magic_function(seven)", [MAGIC], [("magic_function", {"input": 7})]),
        ("Call magic_function(3; 4)", [MAGIC], [("magic_function", {"input": 3})]),
        ("Use a tool, please", [NO_ARGUMENTS], [("magic_function_no_args", {})]),
        (
            "What is the weather in San Francisco, CA?",
            [WEATHER, TIME],
            [("get_weather", {"city": "San Francisco, CA"})],
        ),
        ("How is the weather for city: berlin?", [WEATHER], [("get_weather", {"city": "berlin"})]),
        (
            "What is the weather in Paris and Tokyo?",
            [WEATHER],
            [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Tokyo"})],
        ),
        (
            "What is the weather in Paris in celsius and the time in Tokyo?",
            [WEATHER, TIME],
            [("get_weather", {"city": "Paris", "unit": "celsius"}), ("get_time", {"city": "Tokyo"})],
        ),
        ("Weather forecast for Oslo, please", [WEATHER, FORECAST], [("get_weather_forecast", {"city": "Oslo"})]),
        ("Use the get_weather tool for Oslo", [WEATHER, FORECAST], [("get_weather", {"city": "Oslo"})]),
        (
            "What is the weather in Paris and what is the time there?",
            [WEATHER, TIME],
            [("get_weather", {"city": "Paris"}), ("get_time", {"city": "Paris"})],
        ),
        ("Please add 4 and 5.", [ADD, MULTIPLY], [("add", {"a": 4, "b": 5})]),
        (
            "add 2 and 3 and multiply 4 by 5",
            [ADD, MULTIPLY],
            [("add", {"a": 2, "b": 3}), ("multiply", {"a": 4, "b": 5})],
        ),
        ("multiply 3 by 4, 5 by 6", [MULTIPLY], [("multiply", {"a": 3, "b": 4}), ("multiply", {"a": 5, "b": 6})]),
        ("Get a random diagram using the tool", [tool("random_image")], [("random_image", {})]),
        ("Hello!", [MAGIC, WEATHER], []),
        ("What is the weather in Paris? Do not use any tools.", [WEATHER], []),
        ("What is the weather in Paris?", [{"type": "web_search_20250305", "name": "web_search"}], []),
    ],
)
def test_a_question_that_plainly_calls_for_tools(
    text: str, tools: list[dict[str, Any]], expected: list[tuple[str, Any]]
) -> None:
    assert calls(request(text, *tools)) == expected


def test_tool_choice_is_obeyed() -> None:
    hello = request("Hello!", WEATHER, MAGIC)
    assert [name for name, _ in calls({**hello, "tool_choice": {"type": "any"}})] == ["get_weather"]
    assert calls({**hello, "tool_choice": {"type": "tool", "name": "magic_function"}}) == [
        ("magic_function", {"input": 0})
    ]
    weather = request("What is the weather in Paris?", WEATHER)
    assert calls({**weather, "tool_choice": {"type": "none"}}) == []


def test_parallel_calls_can_be_forbidden() -> None:
    body = request("add 2 and 3 and multiply 4 by 5", ADD, MULTIPLY)
    body["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    assert calls(body) == [("add", {"a": 2, "b": 3})]
    assert calls(answered(body, "5")) == [("multiply", {"a": 4, "b": 5})]


def test_results_are_quoted_and_end_the_calls() -> None:
    body = answered(
        request("What is the weather in Paris and Tokyo?", WEATHER), "sunny", [{"type": "text", "text": "rain"}]
    )
    reply = think(body)
    text = "The tool get_weather returned: sunny\nThe tool get_weather returned: rain"
    assert reply.content == ({"type": "text", "text": text},)


def test_a_failed_tool_is_told() -> None:
    body = answered(request("Please add 4 and 5.", ADD), "no numbers")
    body["messages"][-1]["content"][0]["is_error"] = True
    assert think(body).content[0]["text"] == "The tool add failed: no numbers"


def test_steps_follow_one_another_and_use_the_result() -> None:
    body = request("First add 2 and 3, then multiply the result by 4.", ADD, MULTIPLY)
    assert calls(body) == [("add", {"a": 2, "b": 3})]
    second = answered(body, "5")
    assert calls(second) == [("multiply", {"a": 5, "b": 4})]
    assert calls(answered(second, "20")) == []


def test_a_forced_choice_moves_on_to_a_tool_not_called_yet() -> None:
    report = tool("Report", "Final report.", city=STRING, summary=STRING)
    body = request("What is the weather in Paris?", WEATHER, report, tool_choice={"type": "any"})
    assert [name for name, _ in calls(body)] == ["get_weather"]
    ((name, given),) = calls(answered(body, "sunny"))
    assert name == "Report"
    assert given["city"] == "Paris"
    assert "sunny" in given["summary"]


def test_a_new_question_starts_anew() -> None:
    body = answered(request("What is the weather in Paris?", WEATHER), "sunny")
    body["messages"] += [
        {"role": "assistant", "content": "It is sunny."},
        {"role": "user", "content": "And the weather in Rome?"},
    ]
    assert calls(body) == [("get_weather", {"city": "Rome"})]


def test_a_question_may_point_back_at_a_place() -> None:
    body = answered(request("What is the weather in Paris?", WEATHER, TIME), "sunny")
    body["messages"] += [
        {"role": "assistant", "content": "It is sunny."},
        {"role": "user", "content": "And what is the time there?"},
    ]
    assert calls(body) == [("get_time", {"city": "Paris"})]


def test_ids_are_the_same_streamed_or_not_and_differ_otherwise() -> None:
    body = request("What is the weather in Paris and Rome?", WEATHER)
    whole, streamed = think(body).content, think({**body, "stream": True}).content
    assert whole == streamed
    later = answered(body, "a", "b")
    later["messages"].append({"role": "user", "content": "What is the weather in Paris?"})
    ids = [block["id"] for block in (*whole, *think(later).content)]
    assert len(set(ids)) == len(ids) == 3


def test_max_tokens_cuts_the_input() -> None:
    reply = think(request("What is the weather in Paris?", WEATHER, max_tokens=2))
    assert (reply.stop_reason, reply.content[0]["input"], reply.cut_json) == ("max_tokens", {}, '{"city":')


def test_structured_output() -> None:
    joke = tool(
        "Joke", "Joke to tell user.", required=["setup"], setup=STRING, punchline={"anyOf": [STRING, {"type": "null"}]}
    )
    forced = {"tool_choice": {"type": "tool", "name": "Joke"}}
    setup = "Why did the cats cross the road?"
    with_it = calls(request("Give me a joke about cats, include the punchline.", joke, **forced))
    without = calls(request("Give me the setup to a joke about cats, no punchline.", joke, **forced))
    assert with_it == [("Joke", {"setup": setup, "punchline": "To get to the other side!"})]
    assert without == [("Joke", {"setup": setup})]


PERSON = {"type": "object", "properties": {"name": STRING, "age": INTEGER}, "required": ["name", "age"]}


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        (
            {"name": STRING, "age": INTEGER, "city": STRING},
            "Alice is 30 and lives in Paris.",
            {"name": "Alice", "age": 30, "city": "Paris"},
        ),
        ({"name": STRING}, "Create a customer named '你好啊集团' (Hello Group)", {"name": "你好啊集团"}),
        (
            {"people": {"type": "array", "items": {"$ref": "#/$defs/Person"}}},
            "Alice is 30 and Bob is 25.",
            {"people": [{"name": "Alice", "age": 30}, {"name": "Bob", "age": 25}]},
        ),
        ({"person": {"allOf": [{"$ref": "#/$defs/Person"}]}}, "Bob, 9", {"person": {"name": "Bob", "age": 9}}),
        ({"kind": {"const": "x"}, "level": {"enum": ["low", "high"]}}, "Make it HIGH", {"kind": "x", "level": "high"}),
        ({"level": {"enum": ["low", "high"], "default": "high"}}, "Hm", {"level": "high"}),
        ({"tags": {"type": "array", "items": {"enum": ["a1", "b2", "c3"]}}}, "c3 and a1", {"tags": ["a1", "c3"]}),
        ({"values": {"type": "array", "items": {"type": "number"}}}, "1, 2.5 and -3", {"values": [1, 2.5, -3]}),
        ({"words": {"type": "array", "items": STRING}}, 'Take "one" and "two"', {"words": ["one", "two"]}),
        ({"n": {"type": "integer", "minimum": 5, "maximum": 9}}, "give me 100", {"n": 9}),
        ({"n": {"type": "integer", "exclusiveMinimum": 5}}, "give me", {"n": 6}),
        ({"n": {"type": ["number", "null"]}}, "three", {"n": 3}),
        ({"first": INTEGER, "age": INTEGER}, "take 4, age: 7", {"first": 4, "age": 7}),
        ({"loud": {"type": "boolean"}, "quiet": {"type": "boolean"}}, "loud: no", {"loud": False, "quiet": True}),
        ({"nothing": {"type": "null"}}, "x", {"nothing": None}),
        (
            {"email": STRING, "url": STRING},
            "ann@example.org at https://a.org/x.",
            {"email": "ann@example.org", "url": "https://a.org/x"},
        ),
        ({"day": {"type": "string", "format": "date"}}, "on 2026-05-04", {"day": "2026-05-04"}),
        ({"at": {"type": "string", "format": "date-time"}}, "now", {"at": "2026-01-01T00:00:00Z"}),
        ({"expression": STRING}, "What is (2 + 3) * 4?", {"expression": "(2 + 3) * 4"}),
        ({"query": STRING}, "Who wrote Emma?", {"query": "Who wrote Emma?"}),
        ({"text": STRING}, "Translate: good morning", {"text": "good morning"}),
        ({"theme": {"type": "string", "default": "dark"}}, "go", {"theme": "dark"}),
        ({"genre": STRING}, "a film about space", {"genre": "Genre about space"}),
        ({"options": {"type": "object"}}, "x", {"options": {}}),
        (
            {"origin": STRING, "destination": STRING},
            "Fly from Oslo to New York",
            {"origin": "Oslo", "destination": "New York"},
        ),
    ],
)
def test_a_schema_is_filled_from_the_text(schema: dict[str, Any], text: str, expected: dict[str, Any]) -> None:
    whole = {"type": "object", "properties": schema, "required": list(schema), "$defs": {"Person": PERSON}}
    assert fill(whole, text) == expected


NAMES = st.text("ab_-A é", max_size=4)
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        [
            True,
            {},
            {"type": "string", "format": "date"},
            {"type": ["null", "number"], "exclusiveMaximum": -3},
            {"type": "integer", "minimum": 2, "default": None},
            {"type": "boolean"},
            {"type": "null"},
            {"enum": [None, 1, "a"]},
            {"const": {"a": 1}},
            {"$ref": "#"},
            {"anyOf": [{"type": "null"}]},
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 2)),
        st.builds(lambda parts: {"oneOf": parts}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda parts: {"allOf": parts}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(
            lambda properties: {"type": "object", "properties": properties, "required": list(properties)},
            st.dictionaries(NAMES, inner, max_size=3),
        ),
    ),
    max_leaves=6,
)


@settings(deadline=None)  # a busy machine is no failure
@given(properties=st.dictionaries(NAMES, SCHEMAS, max_size=3), text=st.text("ab 1.-:=\"'?(),Ünot in", max_size=40))
def test_no_schema_and_no_text_is_too_strange(properties: dict[str, Any], text: str) -> None:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    assert set(fill(schema, text)) == set(properties)


def test_a_schema_that_contains_itself_ends() -> None:
    node = {"type": "object", "properties": {"child": {"$ref": "#/$defs/Node"}, "label": STRING}, "required": ["label"]}
    filled = fill({**node, "$defs": {"Node": node}}, "a child of a child")
    assert filled["label"]
