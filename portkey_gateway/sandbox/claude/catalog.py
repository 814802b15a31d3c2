"""The list of models: `GET /v1/models` and `GET /v1/models/{id}`.

Sources: `anthropic.types.ModelInfo` and `ModelListParams`; the names are those of `anthropic.types.ModelParam`. What
each model can do beside its limits is left out (`capabilities` is null).
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

from anthropic.resources.messages import DEPRECATED_MODELS
from anthropic.types import ModelParam

from portkey_gateway.sandbox.claude.errors import invalid, not_found
from portkey_gateway.sandbox.claude.models import most_input_tokens, most_output_tokens

NAMES: Final[tuple[str, ...]] = get_args(get_args(ModelParam)[0])
_CREATED: Final = "1970-01-01T00:00:00Z"
_PAGE: Final = 20
_MOST_OF_A_PAGE: Final = 1000
_PARAMETERS: Final = frozenset({"limit", "after_id", "before_id", "lifecycle"})


def show(name: str) -> dict[str, Any]:
    """Return one model.

    Raises:
        ClaudeError: 404, there is no such model.
    """
    if name not in NAMES:
        raise not_found(f"model: {name}")
    return {
        "type": "model",
        "id": name,
        "display_name": name.removeprefix("claude-").replace("-", " ").title(),
        "created_at": _CREATED,
        "lifecycle": "deprecated" if name in DEPRECATED_MODELS else "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": name.split("-")[1],
        "max_input_tokens": most_input_tokens(name),
        "max_tokens": most_output_tokens(name),
        "capabilities": None,
    }


def list_page(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of all models.

    Args:
        asked: the parameters in the URL.

    Raises:
        ClaudeError: 400, a parameter is not known or out of its limits.
    """
    if unknown := sorted(asked.keys() - _PARAMETERS):
        raise invalid(f"{unknown[0]}: Extra inputs are not permitted")
    limit = asked.get("limit", str(_PAGE))
    if not limit.isdecimal():
        raise invalid("limit: Input should be a valid integer, unable to parse string as an integer")
    if not 1 <= int(limit) <= _MOST_OF_A_PAGE:
        bound = "greater than or equal to 1" if int(limit) < 1 else f"less than or equal to {_MOST_OF_A_PAGE}"
        raise invalid(f"limit: Input should be {bound}")
    names = list(NAMES)
    for end in ("after_id", "before_id"):
        if end in asked and asked[end] not in NAMES:
            raise invalid(f"{end}: model not found")
    if "after_id" in asked:
        names = names[names.index(asked["after_id"]) + 1 :]
    if "before_id" in asked:
        names = names[: names.index(asked["before_id"])]
    page = names[: int(limit)]
    return {
        "data": [show(name) for name in page],
        "has_more": len(page) < len(names),
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }
