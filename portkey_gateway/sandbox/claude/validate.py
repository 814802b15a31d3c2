"""Judges a request as Anthropic's Messages API does: the first thing that is wrong is what it says.

First the shape of everything is checked, against the types of Anthropic's SDK; then, in files of their own, the rules
that no type can tell. Source: Anthropic's API reference, "Create a Message" and "Count tokens in a Message", and the
guides the rules name; wording of errors as the API's users have published it.
"""

from typing import Any, Final, cast

from anthropic.types import MessageCountTokensParams
from anthropic.types.beta import MessageCountTokensParams as BetaMessageCountTokensParams
from anthropic.types.beta.message_create_params import MessageCreateParamsBase as BetaMessageCreateParamsBase
from anthropic.types.message_create_params import MessageCreateParamsBase

from portkey_gateway.sandbox.claude.models import check_model_exists
from portkey_gateway.sandbox.claude.shape import Fields, check_fields, fields_of
from portkey_gateway.sandbox.claude.validate_cache import validate_cache
from portkey_gateway.sandbox.claude.validate_media import validate_media
from portkey_gateway.sandbox.claude.validate_messages import validate_messages, validate_roles
from portkey_gateway.sandbox.claude.validate_parameters import validate_parameters
from portkey_gateway.sandbox.claude.validate_thinking import validate_thinking
from portkey_gateway.sandbox.claude.validate_tool_use import validate_tool_use
from portkey_gateway.sandbox.claude.validate_tools import validate_tools

# The SDK's types list these beside the body, but it sends them as headers.
_HEADERS: Final = ("betas", "user_profile_id", "workspace_id")
# The API takes these on the models that sample freely; the SDK left them out of its types with version 1.
_SAMPLING: Final[Fields] = {"temperature": float, "top_p": float, "top_k": int}


def _body_fields(typed_dict: type) -> dict[str, Any]:
    return {key: field for key, field in fields_of(typed_dict).items() if key not in _HEADERS}


def _create_fields(typed_dict: type) -> Fields:
    return {**_body_fields(typed_dict), "stream": bool, **_SAMPLING}


# By whether the request only counts tokens, and whether it asks for a beta.
_FIELDS: Final[dict[tuple[bool, bool], Fields]] = {
    (False, False): _create_fields(MessageCreateParamsBase),
    (False, True): _create_fields(BetaMessageCreateParamsBase),
    (True, False): _body_fields(MessageCountTokensParams),
    (True, True): _body_fields(BetaMessageCountTokensParams),
}


def validate(body: object, *, count_only: bool = False, beta: bool = False) -> None:
    """Check the body of a request.

    Args:
        body: The parsed JSON.
        count_only: The request only counts tokens, which takes fewer parameters.
        beta: The request has an `anthropic-beta` header. Which beta opens which field is not told apart: any opens all.

    Raises:
        ClaudeError: Anthropic would refuse it. 404 for a model that is no Claude, 400 for everything else.
    """
    validate_roles(body)
    check_fields(body, _FIELDS[count_only, beta], "")
    request = cast("dict[str, Any]", body)
    check_model_exists(request["model"])
    validate_parameters(request)
    validate_tools(request)
    validate_cache(request)
    validate_messages(request)
    validate_media(request["messages"])
    validate_tool_use(request["messages"])
    validate_thinking(request)
