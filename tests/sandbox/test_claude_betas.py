"""What is in beta opens only to those who name the beta; everything the SDK has in beta is accounted for."""

from typing import Any, get_args, get_origin

import pytest
from anthropic.types.beta.message_create_params import MessageCreateParamsBase as BetaParams
from anthropic.types.message_create_params import MessageCreateParamsBase as GeneralParams
from typing_extensions import is_typeddict

from portkey_gateway.sandbox.claude.betas import OPENED_BY, Betas, read_betas
from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.shape import fields_of
from portkey_gateway.sandbox.claude.validate import validate

TOOL = {"name": "get_time", "input_schema": {"type": "object"}}
ADDITION = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "get_time"}}
INLINE = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {**TOOL, "name": "get_date"}}}
SERVER = {"type": "url", "url": "https://mcp.example.com", "name": "docs"}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "docs"}
COMPACTION = {"type": "compaction", "content": "They greeted each other."}
ADVISOR = {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-5"}


def request(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    first = {"role": "user", "content": "Hi"}
    return {"model": "claude-opus-5", "max_tokens": 100, "messages": [first, *messages], **more}


def edits(kind: str, **more: Any) -> dict[str, Any]:
    return request(context_management={"edits": [{"type": kind, **more}]})


def claude(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def system(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "system", "content": list(blocks), **more}


BYE = {"role": "user", "content": "Bye"}
SAY = {"type": "text", "text": "Be brief."}

IN_BETA = [
    (edits("clear_tool_uses_20250919"), "context-management-2025-06-27", "context_management: Extra"),
    (edits("clear_thinking_20251015"), "context-management-2025-06-27", "context_management: Extra"),
    (edits("compact_20260112"), "compact-2026-01-12", "context_management: Extra"),
    (request(compaction={"type": "summarize"}), "compact-2026-09-04", "compaction: Extra"),
    (request(claude(COMPACTION), BYE), "compact-2026-01-12", "messages.1.content.0: Input tag 'compaction'"),
    (request(mcp_servers=[SERVER], tools=[TOOLSET]), "mcp-client-2025-11-20", "tools.0: Input tag 'mcp_toolset'"),
    (request(mcp_servers=[SERVER]), "mcp-client-2025-04-04", "mcp_servers: Extra"),
    (request(fallbacks=[{"model": "claude-opus-4-8"}]), "server-side-fallback-2026-07-01", "fallbacks: Extra"),
    (request(thread={"type": "create"}), "message-threads-2026-08-12", "thread: Extra"),
    (
        request(output_config={"task_budget": {"type": "tokens", "total": 20_000}}),
        "task-budgets-2026-03-13",
        "output_config.task_budget: Extra",
    ),
    (
        request(thinking={"type": "adaptive", "display": "updates"}),
        "thinking-display-updates-2026-08-18",
        "thinking.adaptive.display: Input should be 'summarized' or 'omitted'",
    ),
    (
        request(system(ADDITION), tools=[TOOL]),
        "mid-conversation-tool-changes-2026-07-01",
        "messages.1.content.0: Input tag 'tool_addition'",
    ),
    (request(system(INLINE)), "inline-tools-2026-09-15", "messages.1.content.0: Input tag 'tool_addition'"),
    (
        request(system(SAY, clear_at="never")),
        "mid-conversation-system-clear-at-2026-08-21",
        "messages.1.clear_at: Extra",
    ),
    (
        request(system(SAY, output_config={"effort": "low"})),
        "mid-conversation-output-config-2026-07-01",
        "messages.1.output_config: Extra",
    ),
    (request(tools=[ADVISOR]), "advisor-tool-2026-03-01", "tools.0: Input tag 'advisor_20260301'"),
    (request(model="claude-opus-4-6", speed="fast"), "fast-mode-2026-02-01", "speed: Extra"),
]


@pytest.mark.parametrize(
    ("body", "beta", "message"), IN_BETA, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_in_beta_needs_its_beta(body: dict[str, Any], beta: str, message: str) -> None:
    validate(body, betas=[beta, "files-api-2025-04-14"])
    for others in ([], ["files-api-2025-04-14"]):
        with pytest.raises(ClaudeError) as caught:
            validate(body, betas=others)
        assert caught.value.message.startswith(message)
        assert caught.value.status == 400


@pytest.mark.parametrize("beta", ["mid-conversation-tool-changes-2026-07-01", "compact-2026-01-12"])
def test_a_tool_defined_amid_needs_a_beta_of_its_own(beta: str) -> None:
    with pytest.raises(ClaudeError):
        validate(request(system(INLINE)), betas=[beta])


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]},
        {"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]},
        {"tools": [TOOL, {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}]},
        {"tools": [{"type": "memory_20250818", "name": "memory"}]},
        {"tools": [{**TOOL, "input_examples": [{}]}]},
        {"container": {"skills": [{"type": "anthropic", "skill_id": "xlsx"}]}},
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "f"}}]}]},
        {"output_config": {"effort": "low"}},
        {"speed": "fast"},
    ],
)
def test_what_became_general_needs_no_beta(more: dict[str, Any]) -> None:
    validate(request() | more)


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ([], set()),
        (["compact-2026-01-12, files-api-2025-04-14"], {"compact-2026-01-12", "files-api-2025-04-14"}),
        (["compact-2026-01-12", "claude-code-20250219"], {"compact-2026-01-12", "claude-code-20250219"}),
        (["messages-2023-12-15"], {"messages-2023-12-15"}),
    ],
)
def test_betas_are_read_off_the_headers(headers: list[str], names: set[str]) -> None:
    assert read_betas(headers).names == names


@pytest.mark.parametrize(("header", "named"), [("", "``"), ("skills", "`skills`"), ("compact-2026-01-12,x", "`x`")])
def test_what_is_no_name_of_a_beta_is_refused(header: str, named: str) -> None:
    with pytest.raises(ClaudeError) as caught:
        read_betas([header])

    assert caught.value.message.startswith(f"Unexpected value(s) {named} for the `anthropic-beta` header.")


def test_everything_that_only_the_beta_types_know_is_closed() -> None:
    """A new version of the SDK that has more in beta fails here, and the table grows."""
    general, in_beta = types_of(GeneralParams), types_of(BetaParams)
    strangers = {f"request.{key}" for key in set(fields_of(BetaParams)) - set(fields_of(GeneralParams)) - {"betas"}}
    for name, typed_dict in in_beta.items():
        twin = general.get(name.removeprefix("Beta"))
        if twin is not None and name != "MessageCreateParamsBase":
            strangers |= {f"{name}.{key}" for key in set(fields_of(typed_dict)) - set(fields_of(twin))}
    reachable = set(types_of(BetaParams, Betas()))
    strangers |= {name for name in reachable if name.removeprefix("Beta") not in general} - KNOWN_TWINS

    assert strangers - OPENED_BY.keys() == set()


# The same types under other names.
KNOWN_TWINS = {"BetaRequestDocumentBlockParam", "BetaCitationsConfigParamParam"}


def types_of(root: Any, gate: Betas | None = None) -> dict[str, Any]:
    """Return the typed dictionaries a type is made of, by name; those behind a closed gate left out."""
    found: dict[str, Any] = {}

    def walk(annotation: Any) -> None:
        if not is_typeddict(annotation):
            for part in get_args(annotation) if get_origin(annotation) else ():
                walk(part)
        elif annotation.__name__ not in found and (gate is None or gate.opens(annotation.__name__)):
            found[annotation.__name__] = annotation
            owner = "request" if annotation is root else annotation.__name__
            for key, field in fields_of(annotation).items():
                if gate is None or gate.opens(f"{owner}.{key}"):
                    walk(field)

    walk(root)
    return found


def test_the_table_names_types_that_exist() -> None:
    known = set(types_of(BetaParams)) | {"request"}

    assert {name.partition(".")[0] for name in OPENED_BY} - known == set()
