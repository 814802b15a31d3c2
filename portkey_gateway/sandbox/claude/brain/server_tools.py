"""Calls the tools that Anthropic runs itself, and runs them: made-up pages, real shapes.

Sources of the shapes: Anthropic's SDK, and answers Anthropic gave, as langchain-anthropic 1.7.10 recorded them.
A tool is called where the question asks for what it does, in these words:

- web search: search, look up, find out, web, online, news, latest, recent;
- web fetch: the address of a page;
- code execution: calculate, compute, code, python, run, execute, script; `create a file …` and `view …` are text edits;
- tool search: where the question calls for a tool that is loaded later;
- an MCP server's tools: its name, or MCP.

A question that says `unavailable` makes the call fail; one that says `pause` pauses Claude's turn after the result.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from portkey_gateway.sandbox.claude.brain import mining
from portkey_gateway.sandbox.claude.brain.citations import Passage, document_passages
from portkey_gateway.sandbox.claude.brain.conversation import Conversation
from portkey_gateway.sandbox.claude.reply import Block
from portkey_gateway.sandbox.claude.signatures import seal

Tool = Mapping[str, Any]

_SEARCH: Final = re.compile(r"\b(?:search|look up|find out|web|online|news|latest|recent)\b", re.IGNORECASE)
_CODE: Final = re.compile(
    r"\b(?:calculat\w*|comput\w*|code|python|run|execut\w*|scripts?|standard deviation|file)\b", re.IGNORECASE
)
_CREATE_FILE: Final = re.compile(r"\b(?:create|write|make)\b[^.?!]*\bfile\b", re.IGNORECASE)
_VIEW_FILE: Final = re.compile(r"\b(?:view|open|read)\b[^.?!]*?(/[\w./-]+)", re.IGNORECASE)
_FAILS: Final = re.compile(r"\bunavailable\b", re.IGNORECASE)
_PAUSES: Final = re.compile(r"\bpause\b", re.IGNORECASE)
_RETRIEVED_AT: Final = "2026-01-01T00:00:00.000000+00:00"
_DIRECT: Final = {"type": "direct"}


@dataclass(frozen=True, slots=True)
class Served:
    """What came of the calls of server tools.

    Attributes:
        blocks: The calls with their results, introduced in words.
        passages: What may be cited of the results.
        summary: What to say where nothing is cited.
        paused: Whether the turn pauses here.
    """

    blocks: tuple[Block, ...]
    passages: tuple[Passage, ...]
    summary: str
    paused: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """One call with its result."""

    words: str
    use: Block
    result: Block
    passages: tuple[Passage, ...] = ()


def serve(body: Mapping[str, Any], conversation: Conversation, deferred: Sequence[str]) -> Served | None:
    """Return what the server tools a question asks for give; nothing if it asks for none, or once they were run.

    Args:
        body: The request.
        conversation: The request, understood.
        deferred: The names of tools the question calls for, but that are loaded only when they are searched for.
    """
    choice = body.get("tool_choice") or {"type": "auto"}
    if conversation.served or conversation.results or choice["type"] in {"none", "any"}:
        return None
    tools = [tool for tool in body.get("tools") or () if choice.get("name") in {None, tool.get("name")}]
    runs = [run for tool in tools for run in _runs(tool, body, conversation, deferred)]
    if not runs:
        return None
    blocks = tuple(block for run in runs for block in ({"type": "text", "text": run.words}, run.use, run.result))
    passages = tuple(passage for run in runs for passage in run.passages)
    return Served(blocks, passages, _summary(runs), bool(_PAUSES.search(conversation.asked)))


def passages_of(blocks: Sequence[Block]) -> list[Passage]:
    """Return what may be cited of results that a paused turn already has."""
    found: list[Passage] = []
    for block in blocks:
        if block["type"] == "web_search_tool_result" and isinstance(block["content"], list):
            found += [_search_passage(result) for result in block["content"]]
    return found


def _summary(runs: Sequence[_Run]) -> str:
    if any(_is_error(run.result) for run in runs):
        return "The tool was not available."
    told = [text for run in runs if (text := _told(run.result))]
    return f"Done. It gave: {mining.shorten(' '.join(told), 500)}" if told else "Done."


def _told(result: Block) -> str:
    """Return the words of a result."""
    content = result["content"]
    if isinstance(content, list):
        return " ".join(str(part.get("text") or part.get("title")) for part in content)
    return str(content.get("stdout") or content.get("content") or "") if isinstance(content, dict) else ""


def _is_error(result: Block) -> bool:
    content = result["content"]
    return bool(result.get("is_error")) or (isinstance(content, dict) and content["type"].endswith("_error"))


def _runs(tool: Tool, body: Mapping[str, Any], conversation: Conversation, deferred: Sequence[str]) -> Iterator[_Run]:
    asked, kind = conversation.asked, str(tool.get("type") or "")
    fails = bool(_FAILS.search(asked))
    if kind.startswith("web_search_") and _SEARCH.search(asked):
        yield _search(asked, body, fails=fails)
    elif kind.startswith("web_fetch_") and (urls := mining.urls(asked)):
        yield _fetch(urls[0], tool, body, fails=fails)
    elif kind.startswith("code_execution_") and _CODE.search(asked):
        yield _execute(asked, kind, body, fails=fails)
    elif kind.startswith("tool_search_tool_") and deferred:
        yield _find(tool["name"], deferred, body)
    elif kind == "mcp_toolset" and _names_server(asked, tool["mcp_server_name"]):
        yield _ask_mcp(asked, tool, body, fails=fails)


def use_id(body: Mapping[str, Any], prefix: str, salt: str) -> str:
    """Return an id: the same for the same request, streamed or not, and another as a talk goes on."""
    asked = {key: value for key, value in body.items() if key != "stream"}
    digest = hashlib.sha256(f"{salt}\n{json.dumps(asked, sort_keys=True)}".encode()).hexdigest()
    return f"{prefix}_{digest[:24]}"


def _use(body: Mapping[str, Any], name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "server_tool_use",
        "id": use_id(body, "srvtoolu", name),
        "name": name,
        "input": dict(given),
        "caller": _DIRECT,
    }


def _result(use: Mapping[str, Any], content: object, kind: str | None = None) -> dict[str, Any]:
    return {"type": kind or f"{use['name']}_tool_result", "tool_use_id": use["id"], "content": content}


def _error(name: str) -> dict[str, Any]:
    return {"type": f"{name}_tool_result_error", "error_code": "unavailable"}


def _search(asked: str, body: Mapping[str, Any], *, fails: bool) -> _Run:
    query = mining.shorten(asked, 100)
    use = _use(body, "web_search", {"query": query})
    words = "I'll search the web for that."
    if fails:
        return _Run(words, use, {**_result(use, _error("web_search")), "caller": _DIRECT})
    about = mining.topic(asked) or query.rstrip(".?!")
    results = [
        {
            "type": "web_search_result",
            "title": f"{title} {about}",
            "url": f"https://example.com/{number}",
            "encrypted_content": seal(f"{fact} {about}."),
            "page_age": "January 1, 2026",
        }
        for number, (title, fact) in enumerate(
            (("All about", "Much is known about"), ("News of", "There is news of")), 1
        )
    ]
    passages = tuple(_search_passage(result) for result in results)
    return _Run(words, use, {**_result(use, results), "caller": _DIRECT}, passages)


def _search_passage(result: Mapping[str, Any]) -> Passage:
    text = f"{result['title']}, says {result['url']}."
    citation = {
        "type": "web_search_result_location",
        "cited_text": text,
        "url": result["url"],
        "title": result["title"],
        "encrypted_index": seal(result["url"]),
    }
    return Passage(text, citation)


def _fetch(url: str, tool: Tool, body: Mapping[str, Any], *, fails: bool) -> _Run:
    use = _use(body, "web_fetch", {"url": url})
    words = "I'll fetch that page for you."
    if fails:
        return _Run(words, use, {**_result(use, _error("web_fetch")), "caller": _DIRECT})
    document: dict[str, Any] = {
        "type": "document",
        "source": {
            "type": "text",
            "media_type": "text/plain",
            "data": f"This is the page {url}. It was made up for tests. Nothing was fetched from the network.",
        },
        "title": f"Page {url}",
    }
    passages: tuple[Passage, ...] = ()
    if (tool.get("citations") or {}).get("enabled"):
        document["citations"] = {"enabled": True}
        passages = tuple(document_passages(document, 0))[:1]
    content = {"type": "web_fetch_result", "url": url, "retrieved_at": _RETRIEVED_AT, "content": document}
    return _Run(words, use, {**_result(use, content), "caller": _DIRECT}, passages)


def _execute(asked: str, kind: str, body: Mapping[str, Any], *, fails: bool) -> _Run:
    """Run code; the first version of the tool has Python alone, the later ones a shell and a text editor."""
    viewed = _VIEW_FILE.search(asked)
    if kind == "code_execution_20250522":
        use = _use(body, "code_execution", {"code": _python(asked)})
        done: dict[str, Any] = {**_finished(asked), "type": "code_execution_result", "abort_reason": None}
    elif viewed:
        use = _use(body, "text_editor_code_execution", {"command": "view", "path": viewed[1]})
        done = {
            "type": "text_editor_code_execution_view_result",
            "file_type": "text",
            "content": f"The content of {viewed[1]}\n",
            "num_lines": 1,
            "start_line": 1,
            "total_lines": 1,
        }
    elif _CREATE_FILE.search(asked):
        given = {"command": "create", "path": "/tmp/answer.txt", "file_text": mining.shorten(asked)}  # noqa: S108
        use = _use(body, "text_editor_code_execution", given)
        done = {"type": "text_editor_code_execution_create_result", "is_file_update": False}
    else:
        use = _use(body, "bash_code_execution", {"command": f"python3 << 'EOF'\n{_python(asked)}\nEOF\n"})
        done = {**_finished(asked), "type": "bash_code_execution_result"}
    return _Run("I'll do that with code.", use, _result(use, _error(use["name"]) if fails else done))


def _python(asked: str) -> str:
    return f"import statistics\n\ndata = {mining.numbers(asked)}\nprint(statistics.fmean(data or [0]))"


def _finished(asked: str) -> dict[str, Any]:
    numbers = mining.numbers(asked) or [0]
    return {"stdout": f"{sum(numbers) / len(numbers)}\n", "stderr": "", "return_code": 0, "content": []}


def _find(name: str, deferred: Sequence[str], body: Mapping[str, Any]) -> _Run:
    key = "pattern" if name == "tool_search_tool_regex" else "query"
    use = _use(body, name, {key: mining.words_of(deferred[0])[-1]})
    references = [{"type": "tool_reference", "tool_name": found} for found in deferred]
    content = {"type": "tool_search_tool_search_result", "tool_references": references}
    return _Run("I'll look for a tool that can do that.", use, _result(use, content, "tool_search_tool_result"))


def _names_server(asked: str, name: str) -> bool:
    return bool(re.search(rf"\b(?:{re.escape(name)}|mcp)\b", asked, re.IGNORECASE))


def _ask_mcp(asked: str, tool: Tool, body: Mapping[str, Any], *, fails: bool) -> _Run:
    server = tool["mcp_server_name"]
    use = {
        "type": "mcp_tool_use",
        "id": use_id(body, "mcptoolu", server),
        "name": next(iter(tool.get("configs") or {}), "ask_question"),
        "input": {"question": mining.shorten(asked, 200)},
        "server_name": server,
    }
    said = "The server is unavailable." if fails else f"{server} answers: {mining.shorten(asked)}"
    result = {
        "type": "mcp_tool_result",
        "tool_use_id": use["id"],
        "is_error": fails,
        "content": [{"type": "text", "text": said}],
    }
    return _Run(f"I'll ask {server}.", use, result)
