"""The answers of the prompt library: rendered prompts, and what it tells of a template."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.sandbox.control_plane.errors import invalid
from portkey_gateway.sandbox.control_plane.folder import PromptFolder, PromptVersion
from portkey_gateway.sandbox.control_plane.mustache import components, fill_in

_BESIDE: Final = frozenset({"variables", "hyperparameters"})


def render(folder: PromptFolder, reference: str, body: Any) -> tuple[PromptVersion, dict[str, Any]]:
    """Fill in a prompt.

    Args:
        folder: The prompts.
        reference: Which: `id`, `id@12`, `id@latest` or `id@label`.
        body: `variables`, and beside it what is to stand in the place of the prompt's own parameters.

    Returns:
        The version that was found, and the request that it makes.

    Raises:
        ControlPlaneError: It cannot be filled in.
    """
    slug, _, wanted = reference.partition("@")
    version = folder.find(slug, wanted or "default")
    if not isinstance(body, Mapping) or not isinstance(variables := body.get("variables"), Mapping):
        raise invalid("`variables` must be an object")
    asked = {name: value for name, value in version.parameters.items() if name not in variables}
    if version.model:
        asked["model"] = version.model
    filled = fill_in(version, variables, folder.partial)
    overrides = {name: value for name, value in body.items() if name not in _BESIDE}
    return version, {**asked, **filled, **overrides}


def describe(folder: PromptFolder, slug: str, wanted: str) -> dict[str, Any]:
    """Tell of a template, with the fields that the hosted service tells (`GET /prompts/{id}?version=`).

    Raises:
        ControlPlaneError: There is no such prompt or version; this route knows no labels.
    """
    named = wanted if wanted.isdecimal() or wanted in {"default", "latest"} else "0"
    version = folder.find(slug, named)
    parameters = dict(version.parameters)
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, slug)),
        "slug": slug,
        "name": slug,
        "object": "prompt",
        "status": "active",
        "model": version.model,
        "virtual_key": version.virtual_key,
        "prompt_version": version.number,
        "prompt_version_status": "active",
        "prompt_version_labels": list(version.labels),
        "string": version.string,
        "is_raw_template": int(version.is_raw),
        "variable_components": components(version.string, folder.partial),
        "tools": parameters.pop("tools", None),
        "tool_choice": parameters.pop("tool_choice", None),
        "functions": parameters.pop("functions", None),
        "parameters": {**parameters, "model": version.model},
    }
