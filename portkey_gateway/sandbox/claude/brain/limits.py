"""Cuts an answer where the request says it ends: at a stop sequence, or after `max_tokens`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from portkey_gateway.sandbox.claude import tokens
from portkey_gateway.sandbox.claude.reply import Block, Reply


def limit(reply: Reply, body: Mapping[str, Any]) -> Reply:
    """Return what is left of a reply under the request's stop sequences and `max_tokens`."""
    return _limit_tokens(_stop(reply, body.get("stop_sequences") or ()), body["max_tokens"])


def _stop(reply: Reply, sequences: Sequence[str]) -> Reply:
    kept: list[Block] = []
    for block in reply.content:
        text = block["text"] if block["type"] == "text" else ""
        found = [(text.index(sequence), sequence) for sequence in sequences if sequence in text]
        if found:
            end, sequence = min(found)
            return Reply((*kept, *_text(text[:end])), "stop_sequence", sequence)
        kept.append(block)
    return reply


def _limit_tokens(reply: Reply, max_tokens: int) -> Reply:
    """Keep what fits; a text and a tool call's input are cut, a thought that does not fit is left out whole."""
    kept: list[Block] = []
    left = max_tokens
    for block in reply.content:
        weight = tokens.count_output(block)
        if weight > left and block["type"] == "tool_use":
            written = json.dumps(block["input"], ensure_ascii=False)
            cut = written[: min(left * tokens.CHARACTERS_PER_TOKEN, len(written) - 1)]
            return Reply((*kept, {**block, "input": {}}), "max_tokens", cut_json=cut)
        if weight > left:
            cut = block["text"][: left * tokens.CHARACTERS_PER_TOKEN] if block["type"] == "text" else ""
            return Reply((*kept, *_text(cut)), "max_tokens")
        kept.append(block)
        left -= weight
    return reply


def _text(text: str) -> tuple[Block, ...]:
    """Return a text block, or none: Claude sends no empty ones."""
    return ({"type": "text", "text": text},) if text else ()
