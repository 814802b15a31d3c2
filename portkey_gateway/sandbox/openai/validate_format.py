"""The rules of `response_format`.

Source: OpenAI's API reference, "Create chat completion", and its guide "Structured Outputs".
"""

from typing import Final

from portkey_gateway.sandbox.openai import models
from portkey_gateway.sandbox.openai.errors import invalid
from portkey_gateway.sandbox.openai.parts import Wire, text_of
from portkey_gateway.sandbox.openai.validate_tools import check_function_name, schema_complaint

_PATH: Final = "response_format"
_GUIDE: Final = "https://platform.openai.com/docs/guides/structured-outputs"


def validate_format(request: Wire) -> None:
    """Check that the answer's form can be promised.

    Raises:
        OpenAIError: The model cannot, the schema is not taken, or `json_object` is asked for without a word of JSON.
    """
    wanted: Wire = request.get(_PATH) or {"type": "text"}
    if wanted["type"] == "json_object" and not any("json" in text_of(each).lower() for each in request["messages"]):
        raise invalid(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            "messages",
        )
    if wanted["type"] != "json_schema":
        return
    if not models.binds_to_schema(request["model"]):
        raise invalid(
            f"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more "
            f"about supported models at the Structured Outputs guide: {_GUIDE}",
            _PATH,
        )
    _check_schema(wanted["json_schema"])


def _check_schema(form: Wire) -> None:
    check_function_name(form["name"], f"{_PATH}.json_schema.name")
    path = f"{_PATH}.json_schema.schema"
    if "schema" not in form:
        raise invalid(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")
    complaint = schema_complaint(form["schema"], strict=bool(form.get("strict")))
    if complaint:
        raise invalid(f"Invalid schema for response_format '{form['name']}': {complaint}", _PATH)
