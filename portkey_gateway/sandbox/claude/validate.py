"""Judges a request as Anthropic's Messages API does: the first thing that is wrong is what it says.

First the shape of everything is checked, against the types of Anthropic's SDK; then, in files of their own, the rules
that no type can tell. Source: Anthropic's API reference, "Create a Message" and "Count tokens in a Message", and the
guides the rules name; wording of errors as the API's users have published it.
"""

from collections.abc import Iterable
from typing import Any, Final, cast

from anthropic.types.beta import MessageCountTokensParams
from anthropic.types.beta.message_create_params import MessageCreateParamsBase

from portkey_gateway.sandbox.claude.betas import Betas
from portkey_gateway.sandbox.claude.compaction import validate_compaction
from portkey_gateway.sandbox.claude.models import check_model_exists
from portkey_gateway.sandbox.claude.shape import Fields, check_fields, fields_of
from portkey_gateway.sandbox.claude.validate_cache import validate_cache
from portkey_gateway.sandbox.claude.validate_media import validate_media
from portkey_gateway.sandbox.claude.validate_messages import validate_messages, validate_roles
from portkey_gateway.sandbox.claude.validate_output import validate_output
from portkey_gateway.sandbox.claude.validate_parameters import validate_parameters
from portkey_gateway.sandbox.claude.validate_schemas import validate_schemas
from portkey_gateway.sandbox.claude.validate_server_tools import validate_server_tools
from portkey_gateway.sandbox.claude.validate_system import validate_system
from portkey_gateway.sandbox.claude.validate_thinking import validate_thinking
from portkey_gateway.sandbox.claude.validate_tool_use import validate_tool_use
from portkey_gateway.sandbox.claude.validate_tools import validate_tools

# The SDK's types list these beside the body, but it sends them as headers.
_HEADERS: Final = ("betas", "user_profile_id", "workspace_id")
# The API takes these on the models that sample freely; the SDK left them out of its types with version 1.
_SAMPLING: Final[Fields] = {"temperature": float, "top_p": float, "top_k": int}


def _body_fields(typed_dict: type) -> dict[str, Any]:
    return {key: field for key, field in fields_of(typed_dict).items() if key not in _HEADERS}


# By whether the request only counts tokens. The types of the beta API know everything; `Betas` closes parts of them.
_FIELDS: Final[dict[bool, Fields]] = {
    False: {**_body_fields(MessageCreateParamsBase), "stream": bool, **_SAMPLING},
    True: _body_fields(MessageCountTokensParams),
}


def validate(body: object, *, count_only: bool = False, betas: Iterable[str] = ()) -> None:
    """Check the body of a request.

    Args:
        body: The parsed JSON.
        count_only: The request only counts tokens, which takes fewer parameters.
        betas: The betas the request names in its headers.

    Raises:
        ClaudeError: Anthropic would refuse it. 404 for a model that is no Claude, 400 for everything else.
    """
    gate = Betas(betas)
    validate_roles(body)
    fields = {key: field for key, field in _FIELDS[count_only].items() if gate.opens(f"request.{key}")}
    check_fields(body, fields, "", gate)
    request = cast("dict[str, Any]", body)
    check_model_exists(request["model"])
    validate_parameters(request, gate)
    validate_tools(request, gate)
    validate_schemas(request)
    validate_cache(request)
    validate_system(request)
    validate_messages(request)
    validate_media(request["messages"])
    validate_tool_use(request)
    validate_server_tools(request)
    validate_output(request)
    validate_compaction(request)
    validate_thinking(request, gate)
