"""Calls of client-side tools that come from code Claude runs.

Source: Anthropic's documentation, "Programmatic tool calling", and answers it gave, as langchain-anthropic 1.7.10
recorded them: the code waits in its container, its calls come whole, and its result opens the next answer.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.brain.server_tools import use_id
from portkey_gateway.sandbox.claude.reply import Block

_RUNNER: Final = "code_execution_"


def caller_of(tool: Mapping[str, Any] | None) -> str | None:
    """Return the kind of code that calls a tool; nothing for one that Claude may call itself."""
    callers = (tool or {}).get("allowed_callers") or ("direct",)
    return None if "direct" in callers else next((each for each in callers if each.startswith(_RUNNER)), None)


def from_code(uses: Iterable[Block], caller: str, body: Mapping[str, Any]) -> list[Block]:
    """Return the code that makes these calls, and the calls."""
    uses = list(uses)
    lines = [f"print(await {use['name']}({json.dumps(use['input'])}))" for use in uses]
    code = {
        "type": "server_tool_use",
        "id": use_id(body, "srvtoolu", "code"),
        "name": "code_execution",
        "input": {"code": "\n".join(lines)},
        "caller": {"type": "direct"},
    }
    return [code, *({**use, "caller": {"type": caller, "tool_id": code["id"]}} for use in uses)]


def finished_code(messages: list[Mapping[str, Any]]) -> list[Block]:
    """Return the result of the code whose last calls were just answered."""
    if len(messages) < 2 or isinstance(messages[-1]["content"], str):  # noqa: PLR2004  # calls and their answers
        return []
    answers = {block.get("tool_use_id"): block for block in messages[-1]["content"]}
    finished: dict[str, list[str]] = {}
    for block in messages[-2]["content"] if isinstance(messages[-2]["content"], list) else ():
        code_id = (block.get("caller") or {}).get("tool_id")
        if block["type"] == "tool_use" and code_id and block["id"] in answers:
            finished.setdefault(code_id, []).append(_words(answers[block["id"]].get("content") or ""))
    return [
        {
            "type": "code_execution_tool_result",
            "tool_use_id": code_id,
            "content": {
                "type": "code_execution_result",
                "stdout": "\n".join(said) + "\n",
                "stderr": "",
                "return_code": 0,
                "content": [],
            },
        }
        for code_id, said in finished.items()
    ]


def _words(content: str | list[Mapping[str, Any]]) -> str:
    return content if isinstance(content, str) else " ".join(str(part.get("text") or "") for part in content)
