"""Decides what the emulated Claude says: by rules, without randomness, from the request alone.

The same request always gets the same answer. In order of precedence:

1. Anthropic's magic strings: one makes Claude refuse, one redacts its thoughts.
2. Tools. A forced `tool_choice` calls a tool. Otherwise a tool is called when the latest question names it, or shares
   telling words with its name, description and parameters (`tools`). Its arguments come from its JSON schema, filled
   with numbers, quotes, places and names found in the question (`arguments`, `mining`). Several tools or values in
   one question become parallel calls; "first …, then …" becomes one round after the other.
3. Tool results are quoted.
4. What was shown is described: the real size and colour of an image, the pages and first words of a document (`sight`).
5. JSON, where the prompt asks for JSON (`json_mode`).
6. Plain words (`speech`): repeats what it is told to repeat, counts, lists, tells a story, remembers "my name is …",
   finds the sentence of a given context that fits the question, and otherwise quotes what it was asked.

Thoughts come first where thinking is on. Stop sequences and `max_tokens` then cut the answer (`limits`).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.brain import json_mode, sight, speech
from portkey_gateway.sandbox.claude.brain.conversation import Conversation, read_conversation
from portkey_gateway.sandbox.claude.brain.limits import limit
from portkey_gateway.sandbox.claude.brain.mining import shorten
from portkey_gateway.sandbox.claude.brain.tools import Call, next_calls
from portkey_gateway.sandbox.claude.reply import Block, Reply
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
    thoughts = _thoughts(body, conversation)
    calls = next_calls(body, conversation)
    if calls:
        return limit(Reply((*thoughts, *_tool_uses(body, calls)), "tool_use"), body)
    return limit(Reply((*thoughts, {"type": "text", "text": _text(conversation)})), body)


def _text(conversation: Conversation) -> str:
    """Return the answer in words."""
    if not conversation.results and json_mode.is_wanted(conversation):
        return json_mode.write(conversation)
    seen = [*speech.quote_results(conversation), *sight.describe(conversation.shown)]
    if seen and conversation.results:
        return "\n".join(seen)
    return "\n".join([*seen, speech.say(conversation)])


def _thoughts(body: Mapping[str, Any], conversation: Conversation) -> list[Block]:
    config = body.get("thinking") or {"type": "disabled"}
    if config["type"] == "disabled":
        return []
    if REDACT_MAGIC in conversation.question:
        return [{"type": "redacted_thinking", "data": seal(conversation.question)}]
    about = "I have the tool results now." if conversation.results else "I will answer it directly."
    thinking = f"The user asks: “{shorten(conversation.asked)}” {about}"
    if config.get("display") == "omitted":
        thinking = ""
    return [{"type": "thinking", "thinking": thinking, "signature": sign(thinking)}]


def _tool_uses(body: Mapping[str, Any], calls: list[Call]) -> list[Block]:
    """Give each call an id: the same one for the same request, streamed or not, and another one as a talk goes on."""
    asked = {key: value for key, value in body.items() if key != "stream"}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return [
        {"type": "tool_use", "id": f"toolu_{digest[:20]}{index:02d}", "name": call.name, "input": call.input}
        for index, call in enumerate(calls)
    ]
