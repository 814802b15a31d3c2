"""Decides which tools to call now, and with what."""

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from portkey_gateway.sandbox.claude.brain import mining
from portkey_gateway.sandbox.claude.brain.arguments import fill, resolve, type_of
from portkey_gateway.sandbox.claude.brain.conversation import Conversation

Tool = Mapping[str, Any]

# In a tool's name these words tell what tools do, not what this one is for.
_GENERIC_STEMS: Final = frozenset(
    map(mining.stem, ("fetch", "find", "function", "get", "handler", "lookup", "make", "put", "query", "run", "tool"))
)
_RUN_BY_ANTHROPIC: Final = (
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "tool_search_tool_",
    "mcp_toolset",
    "advisor_",
)
_NAMED: Final = 1000
_NAME_WEIGHT: Final = 2
_ENOUGH: Final = 2
_SHORT: Final = 60

_STEPS: Final = re.compile(r"[,;.]?\s*\b(?:and )?(?:then|after that|afterwards|finally|next,)\b,?\s*", re.IGNORECASE)
_CLAUSES: Final = re.compile(r"(?<=[.?!;])\s+|,?\s+and\s+(?:also\s+)?|,\s+", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(
    r"\b(?:without|don't|do not|never)\s+(?:use|using|call|calling)\b[^.]*\btools?\b", re.IGNORECASE
)
_USE_TOOL: Final = re.compile(r"\b(?:use|using|call|with)\s+(?:the|your|a|my)\s+tools?\b", re.IGNORECASE)
_EARLIER_RESULT: Final = re.compile(
    r"\b(?:the|that|this|its) (?:result|answer|sum|product|output|value)\b|\bit\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call.

    Attributes:
        name: The tool's name.
        input: Its arguments.
    """

    name: str
    input: dict[str, Any]


def is_run_by_anthropic(tool: Tool) -> bool:
    """Tell whether Anthropic runs a tool itself, and the client sees its calls only."""
    return str(tool.get("type")).startswith(_RUN_BY_ANTHROPIC)


def next_calls(body: Mapping[str, Any], conversation: Conversation) -> list[Call]:
    """Return the calls to make now; none when it is time to answer in words."""
    choice = body.get("tool_choice") or {"type": "auto"}
    tools = [tool for tool in body.get("tools") or () if "input_schema" in tool or _is_chosen(tool, choice)]
    if not tools or choice["type"] == "none":
        return []
    one_at_a_time = bool(choice.get("disable_parallel_tool_use"))
    if choice["type"] == "tool":
        tools = [tool for tool in tools if tool["name"] == choice["name"]]
        if not tools:  # one that Anthropic runs
            return []
        return _calls_of(tools[0], conversation.asked, conversation)[:1]
    rounds = _plan(conversation, tools)
    if one_at_a_time:
        rounds = [[call] for calls in rounds for call in calls]
    done = len(conversation.called)
    if done < len(rounds):
        return rounds[done]
    return [_forced_call(conversation, tools)] if choice["type"] == "any" else []


def _is_chosen(tool: Tool, choice: Mapping[str, Any]) -> bool:
    # A tool of Anthropic's kind that the client runs is called where the client insists.
    return choice["type"] == "tool" and tool.get("name") == choice["name"] and not is_run_by_anthropic(tool)


def _plan(conversation: Conversation, tools: Sequence[Tool]) -> list[list[Call]]:
    """Return the calls of each round the question asks for."""
    if _FORBIDDEN.search(conversation.asked):
        return []
    rounds: list[list[Call]] = []
    last_result = _last_result(conversation)
    for step in _STEPS.split(conversation.asked):
        text = _EARLIER_RESULT.sub(lambda _: last_result, step) if rounds else step
        calls = [call for tool, words in _chosen(text, tools) for call in _calls_of(tool, words, conversation)]
        if calls:
            rounds.append(calls)
    if not rounds and len(tools) == 1 and _USE_TOOL.search(conversation.asked):
        rounds.append(_calls_of(tools[0], conversation.asked, conversation))
    return rounds


def _last_result(conversation: Conversation) -> str:
    text = conversation.results[-1].text.strip() if conversation.results else ""
    return text if 0 < len(text) <= _SHORT else "it"


def _forced_call(conversation: Conversation, tools: Sequence[Tool]) -> Call:
    """Return a call nobody plainly asked for: preferably of a tool that was not called yet."""
    called = {name for names in conversation.called for name in names}
    fresh = [tool for tool in tools if tool["name"] not in called] or list(tools)
    best = max(fresh, key=lambda tool: _score(conversation.asked, tool)[0])  # the first of equals
    told = " ".join([conversation.asked, *(result.text for result in conversation.results)])
    return _calls_of(best, told, conversation)[0]


def _chosen(text: str, tools: Sequence[Tool]) -> list[tuple[Tool, str]]:
    """Return the tools this text calls for, each with the part of the text that speaks of it."""
    scored = [(tool, *_score(text, tool)) for tool in tools]
    least = _NAMED if any(score >= _NAMED for _, score, _ in scored) else _ENOUGH
    chosen: list[tuple[Tool, set[str]]] = []
    explained: set[str] = set()
    for tool, score, shared in sorted(scored, key=lambda each: -each[1]):
        if score >= least and (score >= _NAMED or shared - explained):
            chosen.append((tool, shared))
            explained |= shared
    chosen.sort(key=lambda each: _first_mention(text, *each))
    return list(zip([tool for tool, _ in chosen], _parts(text, chosen), strict=True))


def _score(text: str, tool: Tool) -> tuple[int, set[str]]:
    """Return how plainly a text calls for a tool, and the stems they share."""
    said = mining.telling_words(text)
    own = {mining.stem(word) for word in mining.words_of(tool["name"])} - _GENERIC_STEMS
    parameters = " ".join((tool.get("input_schema") or {}).get("properties") or ())
    about = mining.telling_words(f"{tool.get('description') or ''} {parameters}") - own - _GENERIC_STEMS
    by_name, by_description = said & own, said & about
    score = _NAME_WEIGHT * len(by_name) + len(by_description)
    return (_NAMED + score if _names(text, tool["name"]) else score), by_name | by_description


def _names(text: str, name: str) -> bool:
    """Tell whether a text names the tool: by its identifier, or as `the … tool`."""
    spoken = r"[ _-]?".join(map(re.escape, mining.words_of(name)))
    identifier = (
        rf"(?<![\w-]){re.escape(name)}(?![\w-])" if re.search(r"[_A-Z-]", name[1:]) else rf"\b{re.escape(name)}\("
    )
    return bool(re.search(rf"{identifier}|\b{spoken}\W+(?:tool|function)\b|\btool\W+{spoken}\b", text, re.IGNORECASE))


def _first_mention(text: str, tool: Tool, shared: set[str]) -> int:
    words = [tool["name"].lower(), *sorted(shared)]
    found = [text.lower().find(word) for word in words]
    return min((position for position in found if position >= 0), default=len(text))


def _parts(text: str, chosen: Sequence[tuple[Tool, set[str]]]) -> list[str]:
    """Give each clause of a text to the tool it speaks of, or else to the one before."""
    if len(chosen) <= 1:
        return [text for _ in chosen]
    parts: list[list[str]] = [[] for _ in chosen]
    current = 0
    for clause in _CLAUSES.split(text):
        scores = [
            len(mining.telling_words(clause) & shared) + _NAMED * _names(clause, tool["name"])
            for tool, shared in chosen
        ]
        if any(scores):
            current = scores.index(max(scores))
        parts[current].append(clause)
    return [" and ".join(clauses) or text for clauses in parts]


def _calls_of(tool: Tool, text: str, conversation: Conversation) -> list[Call]:
    """Return the calls of one tool that a text asks for, at least one."""
    schema = tool.get("input_schema") or {}
    written = re.findall(rf"(?<!\w){re.escape(tool['name'])}\(([^()]*)\)", text)
    texts = [text] if written else list(_one_per_value(schema, text))
    around = (conversation.asked, *conversation.earlier[-1:])
    filled = (fill(schema, each, around=around) for each in texts)
    inputs = [_written_input(schema, code, text) for code in written] or list(filled)
    unique = [each for index, each in enumerate(inputs) if each not in inputs[:index]]
    return [Call(tool["name"], each) for each in unique]


def _written_input(schema: Mapping[str, Any], code: str, text: str) -> dict[str, Any]:
    """Read arguments written as code, `f(3)` or `f(a=3)`; whatever is missing is filled as usual."""
    parsed: ast.expr | None = None
    with contextlib.suppress(SyntaxError):
        parsed = ast.parse(f"f({code})", mode="eval").body
    if not isinstance(parsed, ast.Call):
        return fill(schema, code or text)
    try:
        given = dict(zip(schema.get("properties") or {}, map(ast.literal_eval, parsed.args), strict=False))
        given |= {word.arg: ast.literal_eval(word.value) for word in parsed.keywords if word.arg}
    except ValueError:  # f(x) with a bare word
        return fill(schema, code or text)
    return {**fill(schema, code or text), **given}


def _one_per_value(schema: Mapping[str, Any], text: str) -> Iterator[str]:
    """Split a text that gives several values to one parameter: `in Paris and Tokyo` asks twice."""
    properties = schema.get("properties") or {}
    needed = [resolve(properties[name], schema) for name in schema.get("required") or () if name in properties]
    kinds = [type_of(each) for each in needed]
    numbers = mining.numbers(text)
    if needed and all(kind in {"integer", "number"} for kind in kinds) and len(needed) == len(properties):
        size = len(needed)
        if len(numbers) > size and len(numbers) % size == 0:
            for start in range(0, len(numbers), size):
                yield " ".join(map(str, numbers[start : start + size]))
            return
    places = mining.places(text)
    if kinds == ["string"] and "enum" not in needed[0] and len(places) > 1:
        yield from (f"in {place}" for place in places)
        return
    yield text
