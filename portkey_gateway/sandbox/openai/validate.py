"""Judges a request as OpenAI's Chat Completions API does: the first thing that is wrong is what it says.

First the shape of everything is checked, against the types of OpenAI's SDK; then, in files of their own, the rules
that no type can tell. Source: OpenAI's API reference, "Create chat completion", and the guides the rules name; wording
of errors as the API's users have published it.
"""

from typing import Any, Final, cast

from openai.types.chat.completion_create_params import CompletionCreateParamsBase

from portkey_gateway.sandbox.json_types import Fields, fields_of
from portkey_gateway.sandbox.openai import models, tokens
from portkey_gateway.sandbox.openai.errors import invalid
from portkey_gateway.sandbox.openai.shape import check_body
from portkey_gateway.sandbox.openai.validate_format import validate_format
from portkey_gateway.sandbox.openai.validate_media import validate_media
from portkey_gateway.sandbox.openai.validate_messages import validate_messages
from portkey_gateway.sandbox.openai.validate_parameters import validate_parameters
from portkey_gateway.sandbox.openai.validate_tools import validate_tools

_FIELDS: Final[Fields] = {**fields_of(CompletionCreateParamsBase), "stream": bool | None}


def validate(body: object) -> None:
    """Check the body of a request.

    Raises:
        OpenAIError: OpenAI would refuse it. 404 for a model it does not have, 400 for everything else.
    """
    if isinstance(body, dict) and "model" not in body:
        raise invalid("you must provide a model parameter")
    check_body(body, _FIELDS)
    request = cast("dict[str, Any]", body)
    models.check_chat_model(request["model"])
    validate_parameters(request)
    validate_tools(request)
    validate_messages(request)
    validate_media(request)
    validate_format(request)
    _check_context(request)


def _check_context(request: dict[str, Any]) -> None:
    spent, most = tokens.count_prompt(request), models.max_context_tokens(request["model"])
    if spent > most:
        raise invalid(
            f"This model's maximum context length is {most} tokens. However, your messages resulted in {spent} tokens. "
            "Please reduce the length of the messages.",
            "messages",
            "context_length_exceeded",
        )
