"""The rules of single parameters: limits, sampling, stop sequences, metadata, speed.

Source: Anthropic's API reference, "Create a Message"; "Migration guide" for what newer models refuse; `models` for what
depends on the model.
"""

from typing import Any, Final

from portkey_gateway.sandbox.claude.betas import FAST_MODE, Betas
from portkey_gateway.sandbox.claude.blocks import Wire
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.models import (
    is_fast_in_beta,
    most_output_tokens,
    samples_by_one,
    samples_freely,
)

_LIMITS: Final[dict[str, tuple[float, float | None]]] = {
    # 0 warms the prompt cache without an answer. Source: `anthropic.types.message_create_params`.
    "max_tokens": (0, None),
    "temperature": (0, 1),
    "top_p": (0, 1),
    "top_k": (0, None),
}
# Source: Anthropic's API reference, `metadata.user_id`, maximum length.
_USER_ID_CHARACTERS: Final = 256
_DEFAULTS: Final = {"temperature": 1, "top_p": 1, "top_k": None}


def validate_parameters(body: Wire, betas: Betas) -> None:
    """Check the parameters beside messages, tools, output and thinking.

    Raises:
        ClaudeError: A number is out of its limits, the model does not take it, or a text is empty.
    """
    for name, (low, high) in _LIMITS.items():
        _check_limits(name, body.get(name), low, high)
    _check_most_output(body, betas)
    _check_sampling(body)
    if body.get("speed") and is_fast_in_beta(body["model"]) and FAST_MODE not in betas:
        raise invalid("speed: Extra inputs are not permitted")
    if any(not sequence.strip() for sequence in body.get("stop_sequences", ())):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")
    if len((body.get("metadata") or {}).get("user_id") or "") > _USER_ID_CHARACTERS:
        raise invalid(f"metadata.user_id: String should have at most {_USER_ID_CHARACTERS} characters")


def _check_limits(name: str, value: Any, low: float, high: float | None) -> None:
    if value is None:
        return
    if value < low:
        raise invalid(f"{name}: Input should be greater than or equal to {low}")
    if high is not None and value > high:
        raise invalid(f"{name}: Input should be less than or equal to {high}")


def _check_most_output(body: Wire, betas: Betas) -> None:
    model, asked = body["model"], body.get("max_tokens", 0)
    most = most_output_tokens(model, betas.names)
    if asked > most:
        raise invalid(f"max_tokens: {asked} > {most}, which is the maximum allowed number of output tokens for {model}")


def _check_sampling(body: Wire) -> None:
    model = body["model"]
    for name, default in _DEFAULTS.items():
        if name in body and body[name] != default and not samples_freely(model):
            raise invalid(f"`{name}` is deprecated for this model.")
    if "temperature" in body and "top_p" in body and samples_by_one(model):
        raise invalid("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
