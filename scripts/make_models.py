"""``make models``: write the table of models from the model profiles of LangChain's packages, litellm and genai-prices.

The packages are unpacked beside each other in a folder of their own; their data is read there and nothing of them is
run. The first source that knows a thing is believed: what ``models_supplement.toml`` says, the packages of those who
make the models, then those who serve them. Of litellm it is the version of July 2025, which still has the models that
have been retired since: it fills what the others leave open. genai-prices knows windows only.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final, Literal, cast

from portkey_gateway.models import claude
from portkey_gateway.models.names import family_of, spellings
from portkey_gateway.models.table import ABILITIES, PATH, Row, find_among

SUPPLEMENT: Final = Path(__file__).with_name("models_supplement.toml")
# Those who make models, then those who serve the models of others, the closest to them first.
PROFILES: Final = (
    "langchain-anthropic", "langchain-openai", "langchain-google-genai", "langchain-mistralai", "langchain-deepseek",
    "langchain-xai", "langchain-perplexity", "langchain-google-vertexai", "langchain-aws", "langchain-groq",
    "langchain-fireworks", "langchain-huggingface", "langchain-openrouter",
)  # fmt: skip
MAKERS: Final = PROFILES[:7]
RESELLERS: Final = PROFILES[-2:]
PRICES: Final = "genai-prices"
RETIRED: Final = "litellm"
# Who had models that are gone, under names that mean the same everywhere.
_RETIRED_AT: Final = frozenset(
    {"openai", "text-completion-openai", "anthropic", "mistral", "cohere", "cohere_chat", "groq", "bedrock",
     "vertex_ai-language-models", "vertex_ai-vision-models", "vertex_ai-embedding-models"}
)  # fmt: skip
# Whose windows are their own: what resellers say is often less than a model has.
_PRICED: Final = (
    "anthropic", "openai", "google", "mistral", "cohere", "deepseek", "x-ai", "aws", "moonshotai", "zai", "meta",
)  # fmt: skip
# What speaks, what is no model itself, and names that OpenRouter gives to something smaller.
_UNSPOKEN: Final = ("tts", ":free", "~", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-instruct")
# What does not chat, though litellm says so.
_NOT_ALIKE: Final = ("realtime", "tts", "multimodal")
_FIELDS: Final[Mapping[str, str]] = {
    "images": "image_inputs",
    "pdfs": "pdf_inputs",
    "audio": "audio_inputs",
    "video": "video_inputs",
    "tools": "tool_calling",
    "choice": "tool_choice",
    "schemas": "structured_output",
    "thinking": "reasoning_output",
    "temperature": "temperature",
}
# Of a Claude these are rules by its generation, which hold for the next one too: they stand in `models.claude` alone.
_RULED: Final[Mapping[str, Any]] = {
    "choice": claude.takes_forced_choice,
    "schemas": claude.takes_schemas,
    "temperature": claude.samples_freely,
}
_LIMITS: Final[tuple[Literal["input", "window", "output", "dimensions"], ...]] = (
    "input", "window", "output", "dimensions",
)  # fmt: skip
_KEEPS_ROOM: Final = re.compile(r"gpt-[5-9](?!.*image)")
Rows = dict[str, Row]


def main(folder: Path) -> None:
    """Write the table.

    Args:
        folder: where the packages are unpacked.
    """
    packages = {found.name: found for found in distributions(path=[str(folder)])}
    rows: Rows = {}
    for name, row in _supplement():
        _learn(rows, name, row)
    settled = {name for name, row in rows.items() if "input" in row}
    for package in PROFILES:
        profiles = _literal(_read(packages[package], "data/_profiles.py"), "_PROFILES")
        for name, profile in profiles.items():
            if _speaks(name, profile):
                _learn(rows, name, _row(profile, is_maker=package in MAKERS, is_resold=package in RESELLERS))
    for name, row in _retired(_read(packages[RETIRED], "model_prices_and_context_window_backup.json")):
        _learn_retired(rows, name, row, settled)
    for names, window in _windows(_read(packages[PRICES], "data.py")):
        _learn_windows(rows, names, window, settled)
    _leave_room(rows)
    _check_rules(_literal(_read(packages["langchain-anthropic"], "data/_profiles.py"), "_PROFILES"))
    _write(_without_repeats(rows), [f"{name} {packages[name].version}" for name in (*PROFILES, RETIRED, PRICES)])


def _read(package: Distribution, path: str) -> str:
    return Path(str(package.locate_file(package.name.replace("-", "_")))).joinpath(path).read_text(encoding="utf-8")


def _literal(source: str, name: str) -> dict[str, dict[str, Any]]:
    """The value that a module gives a name, which has to be written out."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == name and statement.value:
            value: dict[str, dict[str, Any]] = ast.literal_eval(statement.value)
            return value
    raise LookupError(name)


def _supplement() -> Iterator[tuple[str, Row]]:
    for section in tomllib.loads(SUPPLEMENT.read_text(encoding="utf-8")).values():
        yield from section["models"].items()


def _speaks(name: str, profile: Mapping[str, Any]) -> bool:
    """Tell whether a model answers in text, or embeds it."""
    return ("embed" in name or profile.get("text_outputs", True)) and not any(word in name for word in _UNSPOKEN)


def _row(profile: Mapping[str, Any], *, is_maker: bool, is_resold: bool) -> Row:
    row: Row = {}
    taken, given = profile.get("max_input_tokens"), profile.get("max_output_tokens")
    if taken:
        row["input"] = taken
    # Who only serves a model often gives its window where it has no limit of its own.
    if given and given > 1 and (is_maker or given != taken):
        row["output"] = given
    told = {ability: profile.get(field) for ability, field in _FIELDS.items()}
    row["can"] = " ".join(name for name, says in told.items() if says)
    # Who resells a model may not offer all that it can.
    row["cannot"] = " ".join(name for name, says in told.items() if says is False) if not is_resold else ""
    if levels := profile.get("reasoning_effort_levels"):
        row["effort"] = " ".join(levels)
    return row


def _retired(source: str) -> Iterator[tuple[str, Row]]:
    """The limits of models as litellm knows them, of those who had them under names of their own."""
    for name, told in json.loads(source).items():
        own = name.rpartition("/")[2]
        # A name without a number means another model each year.
        is_passing = own.endswith("latest") or not any(letter.isdigit() for letter in own)
        is_known = told.get("litellm_provider") in _RETIRED_AT and name.count("/") < 2  # noqa: PLR2004
        if not is_known or is_passing or any(word in own for word in _NOT_ALIKE):
            continue
        taken, given = told.get("max_input_tokens"), told.get("max_output_tokens")
        dimensions = told.get("output_vector_size")
        if told.get("mode") == "embedding":
            # Where none is told, what stands for the tokens is often the length of the vectors.
            if dimensions and taken:
                yield own, {"input": taken, "dimensions": dimensions}
        elif told.get("mode") in {"chat", "completion", "responses"} and taken:
            # Of a Claude's answers the rules of its generation have to know.
            is_own = given and given != taken and family_of(own) != "claude"
            yield own, {"input": taken, "output": given} if is_own else {"input": taken}


def _learn_retired(rows: Rows, name: str, row: Row, settled: set[str]) -> None:
    """Add what is open of a model, or a model that is not known, or is known without its date as another one."""
    key, found = _key(name), _find(rows, name)
    if key in rows and _is_alike(rows[key], row.get("input", 0)):
        _learn_limits(rows[key], row)
    elif key not in rows and (found is None or not _is_alike(found, row.get("input", 0))):
        settled.add(key)
        _learn(rows, name, row)


def _leave_room(rows: Rows) -> None:
    """Take the answer off the window of OpenAI's models that think, since GPT-5: so much of it is kept for it.

    Their profiles say so of some, and of others what the window holds; models.dev has 272,000 of 400,000 and 922,000 of
    1,050,000 for each.
    """
    for name, row in rows.items():
        window = row.get("window", row.get("input"))
        is_one = family_of(name) == "openai" and _KEEPS_ROOM.match(name) and "thinking" in row.get("can", "").split()
        if is_one and window and (output := row.get("output")):
            row["window"] = window
            row["input"] = min(row.get("input", window), window - output)


def _learn(rows: Rows, name: str, row: Row) -> None:
    """Add what is not known yet of a model."""
    is_claude = family_of(name) == "claude"
    key = _key(name)
    known = rows.setdefault(key, {})
    _learn_limits(known, row)
    both = f"{known.get('can', '')} {known.get('cannot', '')}".split()
    both += _RULED if is_claude else ()
    known["can"] = _joined(known.get("can", ""), row.get("can", ""), both)
    known["cannot"] = _joined(known.get("cannot", ""), row.get("cannot", ""), both)
    if "effort" in row and not is_claude:
        known.setdefault("effort", row["effort"])
    if "embed" in key:
        for column in ("output", "can", "cannot"):
            known.pop(column, None)  # type: ignore[misc]


def _joined(known: str, told: str, both: list[str]) -> str:
    return " ".join(sorted([*known.split(), *(word for word in told.split() if word not in both)], key=ABILITIES.index))


def _learn_limits(known: Row, row: Row) -> None:
    for limit in _LIMITS:
        if value := row.get(limit):
            known.setdefault(limit, value)


def _plain_name(name: str) -> str:
    """The exact name, as a table has it: without what a cloud writes before and behind it."""
    spelt = spellings(name)
    return next((each for each in spelt if ":" not in each and "@" not in each), spelt[-1])


def _learn_windows(rows: Rows, names: list[str], window: int, settled: set[str]) -> None:
    """Add the window of a model, which has several names, the first of them its own."""
    own = _find(rows, names[0])
    for name in names:
        key, found = _key(name), _find(rows, name)
        if not settled.isdisjoint({key, *spellings(name)}):
            continue
        if found is None or not _is_alike(found, window):
            # A name that is found without its date may be that of another model.
            if key not in rows:
                rows[key] = {**own} if own and _is_alike(own, window) else {"input": window}
                # It may be but a name that costs the same.
                rows[key].pop("effort", None)
            elif family_of(name) == "openai" and window > rows[key].get("input", window):
                # The profiles of OpenAI's models tell what goes in, which is less than the window of those that reason.
                rows[key]["window"] = window
        else:
            found.setdefault("input", window)


def _is_alike(row: Row, window: int) -> bool:
    """Tell whether a model has this window; genai-prices rounds most of its own."""
    known = row.get("window", row.get("input", window))
    return window * 0.9 <= known <= window * 1.1


def _find(rows: Rows, name: str) -> Row | None:
    return find_among(rows, name, is_claude=family_of(name) == "claude")


def _key(name: str) -> str:
    return claude.plain_name(name) if family_of(name) == "claude" else _plain_name(name)


def _windows(source: str) -> Iterator[tuple[list[str], int]]:
    """The names of each model in genai-prices, its own first, with its window, of those who make models."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Provider":
            provider = {keyword.arg: keyword.value for keyword in call.keywords}
            models = provider["models"]
            if ast.literal_eval(provider["id"]) in _PRICED and isinstance(models, ast.List):
                for model in models.elts:
                    told = {each.arg: each.value for each in model.keywords} if isinstance(model, ast.Call) else {}
                    if window := ast.literal_eval(told["context_window"]) if "context_window" in told else None:
                        clauses = [each for each in ast.walk(told["match"]) if isinstance(each, ast.keyword)]
                        equal = [ast.literal_eval(each.value) for each in clauses if each.arg == "equals"]
                        yield list(dict.fromkeys([ast.literal_eval(told["id"]), *equal])), window


def _check_rules(profiles: Mapping[str, Mapping[str, Any]]) -> None:
    """Say where what is known of Claudes by their generation contradicts their profiles."""
    for name, profile in profiles.items():
        for ability, rule in _RULED.items():
            says = profile.get(_FIELDS[ability])
            # A dated name has not all that its model's has, and a new model not at once.
            if says is not None and says is not rule(name) and ability != "schemas":
                print(f"models.claude says of {ability} of {name}: {rule(name)}, its profile: {says}")
        levels = profile.get("reasoning_effort_levels")
        if levels and tuple(levels) != claude.effort_levels(name):
            print(f"models.claude says of effort of {name}: {claude.effort_levels(name)}, its profile: {levels}")


def _without_repeats(rows: Rows) -> Rows:
    """Leave out what is found without a date, too, and rows that say nothing."""
    kept = {
        name: cast("Row", {key: row.get(key) for key in Row.__annotations__ if row.get(key)})
        for name, row in rows.items()
    }
    for name in [*kept]:
        others = {other: row for other, row in kept.items() if other != name}
        if not kept[name] or find_among(others, name, is_claude=False) == kept[name]:
            del kept[name]
    return kept


def _write(rows: Rows, sources: list[str]) -> None:
    head = {"made": datetime.now(UTC).date().isoformat(), "sources": [SUPPLEMENT.name, *sources]}
    lines = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(rows.items())]
    body = ",\n".join(lines)
    PATH.write_text(f'{json.dumps(head)[:-1]},\n"models": {{\n{body}\n}}}}\n', encoding="utf-8")
    print(f"{len(rows)} models in {PATH}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
