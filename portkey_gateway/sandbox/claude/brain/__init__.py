"""Decides what the emulated Claude says: by rules, without randomness, from the request alone.

The same request always gets the same answer. In order of precedence:

1. Anthropic's magic strings: one makes Claude refuse, one redacts its thoughts.
2. A summary of the conversation, where the request asks for one or is longer than it allows (`summary`).
3. Tools that Anthropic runs, where the question asks for what one does (`server_tools`); code that calls the client's
   tools (`programmatic`); tools that are searched for, added or removed amid the conversation (`toolbox`).
4. The client's tools. A forced `tool_choice` calls a tool. Otherwise a tool is called when the latest question names
   it, or shares telling words with its name, description and parameters (`tools`). Its arguments come from its JSON
   schema, filled with numbers, quotes, places and names found in the question (`arguments`, `mining`). Several tools or
   values in one question become parallel calls; "first …, then …" becomes one round after the other.
5. JSON that fits its schema, where one binds the output (`structured`).
6. What the documents, search results and pages say that may be cited, with citations (`citations`).
7. Tool results are quoted.
8. What was shown is described: the real size and colour of an image, the pages and first words of a document (`sight`).
9. JSON, where the prompt asks for JSON (`json_mode`).
10. Plain words (`speech`): repeats what it is told to repeat, counts, lists, tells a story, remembers "my name is …",
   finds the sentence of a given context that fits the question, and otherwise quotes what it was asked.

Thoughts come first where thinking is on, as it is on the newest models by itself. Stop sequences and `max_tokens` then
cut the answer (`limits`).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.brain import json_mode, sight, speech, structured
from portkey_gateway.sandbox.claude.brain.citations import Passage, answer_cited, citable
from portkey_gateway.sandbox.claude.brain.conversation import Conversation, read_conversation
from portkey_gateway.sandbox.claude.brain.limits import limit
from portkey_gateway.sandbox.claude.brain.mining import shorten
from portkey_gateway.sandbox.claude.brain.programmatic import caller_of, finished_code, from_code
from portkey_gateway.sandbox.claude.brain.server_tools import Served, passages_of, serve
from portkey_gateway.sandbox.claude.brain.summary import summarize
from portkey_gateway.sandbox.claude.brain.toolbox import open_toolbox
from portkey_gateway.sandbox.claude.brain.tools import Call, next_calls
from portkey_gateway.sandbox.claude.models import shows_thinking, thinks_unasked
from portkey_gateway.sandbox.claude.reply import Block, Reply, StopReason
from portkey_gateway.sandbox.claude.signatures import seal, sign

# Source: Anthropic's documentation, "Extended thinking" and "Streaming refusals".
REDACT_MAGIC: Final = (
    "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9A13E193C177646C7398A98432ECCCE4C1253D5E2D82641AC0E52CC2876CB"
)
REFUSAL_MAGIC: Final = (
    "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAEFB6177B4672DEE07F9D3AFC62588CCD2631EDCF22E8CCC1FB35B501C9C86"
)


def think(body: Mapping[str, Any]) -> Reply:
    """Return the answer to a valid request."""
    conversation = read_conversation(body)
    if REFUSAL_MAGIC in conversation.question or REFUSAL_MAGIC in conversation.system:
        return Reply((), "refusal")
    if body["max_tokens"] == 0:
        return Reply((), "max_tokens")
    summary, ends_there = summarize(body)
    if summary and ends_there:
        return Reply((summary,), "compaction")
    begun = [*([summary] if summary else ()), *_thoughts(body, conversation)]
    content, stop_reason = _act(body, conversation)
    return limit(Reply((*begun, *content), stop_reason), body)


def _act(body: Mapping[str, Any], conversation: Conversation) -> tuple[list[Block], StopReason]:
    """Return what is called and said, and why it ends there."""
    toolbox = open_toolbox(body)
    wanted = next_calls({**body, "tools": toolbox.deferred}, conversation)
    served = serve(body, conversation, [call.name for call in wanted])
    done = [*finished_code(body["messages"]), *(served.blocks if served else ())]
    if served and served.paused:
        return done, "pause_turn"
    found = [call for call in wanted if any(block["type"] == "tool_search_tool_result" for block in done)]
    calls = [*next_calls({**body, "tools": toolbox.ready}, conversation), *found]
    if calls:
        return [*done, *_tool_uses(body, calls, [*toolbox.ready, *toolbox.deferred])], "tool_use"
    return [*done, *_words(body, conversation, served)], "end_turn"


def _words(body: Mapping[str, Any], conversation: Conversation, served: Served | None) -> list[Block]:
    """Return the answer in words, or in the JSON that was asked for."""
    schema = structured.schema_of(body)
    if schema is not None:
        return [{"type": "text", "text": structured.write(schema, conversation)}]
    passages: list[Passage] = [*(served.passages if served else passages_of(conversation.served))]
    cited = answer_cited(conversation.asked, passages or citable(body["messages"]))
    if cited:
        return cited
    return [{"type": "text", "text": served.summary if served else _text(conversation)}]


def _text(conversation: Conversation) -> str:
    """Return the answer in words."""
    if not conversation.results and json_mode.is_wanted(conversation):
        return json_mode.write(conversation)
    seen = [*speech.quote_results(conversation), *sight.describe(conversation.shown)]
    if seen and conversation.results:
        return "\n".join(seen)
    return "\n".join([*seen, speech.say(conversation)])


def _thoughts(body: Mapping[str, Any], conversation: Conversation) -> list[Block]:
    config = body.get("thinking") or {"type": "adaptive" if _thinks_unasked(body) else "disabled"}
    if config["type"] == "disabled" or (config["type"] == "between_tools" and not conversation.results):
        return []
    if REDACT_MAGIC in conversation.question:
        return [{"type": "redacted_thinking", "data": seal(conversation.question)}]
    about = "I have the tool results now." if conversation.results else "I will answer it directly."
    thinking = f"The user asks: “{shorten(conversation.asked)}” {about}"
    display = config.get("display") or ("summarized" if shows_thinking(body["model"]) else "omitted")
    if display == "omitted":
        thinking = ""
    return [{"type": "thinking", "thinking": thinking, "signature": sign(thinking)}]


def _thinks_unasked(body: Mapping[str, Any]) -> bool:
    # A forced call leaves no room for thoughts.
    forced = (body.get("tool_choice") or {}).get("type") in {"any", "tool"}
    return thinks_unasked(body["model"]) and not forced


def _tool_uses(body: Mapping[str, Any], calls: list[Call], tools: list[Mapping[str, Any]]) -> list[Block]:
    """Give each call an id: the same one for the same request, streamed or not, and another one as a talk goes on."""
    asked = {key: value for key, value in body.items() if key != "stream"}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    by_name = {tool.get("name"): tool for tool in tools}
    direct: list[Block] = []
    by_caller: dict[str, list[Block]] = {}
    for index, call in enumerate(calls):
        use = {"type": "tool_use", "id": f"toolu_{digest[:20]}{index:02d}", "name": call.name, "input": call.input}
        caller = caller_of(by_name.get(call.name))
        (by_caller.setdefault(caller, []) if caller else direct).append(use)
    coded = [block for caller, uses in by_caller.items() for block in from_code(uses, caller, body)]
    return [*coded, *direct]
