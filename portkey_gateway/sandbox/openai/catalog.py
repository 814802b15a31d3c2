"""The list of models: `GET /v1/models` and `GET /v1/models/{id}`.

Source of the shape: `openai.types.Model`.
"""

from typing import Any, Final

from portkey_gateway.sandbox.openai.errors import OpenAIError
from portkey_gateway.sandbox.openai.models import CHAT_MODELS, EMBEDDING_SIZES

_CREATED: Final = 1_735_689_600
_MODELS: Final = {
    name: {"id": name, "object": "model", "created": _CREATED, "owned_by": "system"}
    for name in (*CHAT_MODELS, *EMBEDDING_SIZES)
}


def show(name: str) -> dict[str, Any]:
    """Return one model, or the list of all for an empty name.

    Raises:
        OpenAIError: 404, there is no such model.
    """
    if not name:
        return {"object": "list", "data": list(_MODELS.values())}
    if name not in _MODELS:
        raise OpenAIError(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
    return _MODELS[name]
