"""What the library tells of a template."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway import EncodingError
from portkey_gateway.prompts.reference import read_reference
from portkey_gateway.prompts.template import PromptTemplate, decode_template, read_variables


@pytest.mark.parametrize(
    ("prompt_id", "path", "details_path"),
    [
        ("pp-1", "/prompts/pp-1", "/prompts/pp-1?version=default"),
        (" pp-1@12 ", "/prompts/pp-1@12", "/prompts/pp-1?version=12"),
        ("pp-1@latest", "/prompts/pp-1@latest", "/prompts/pp-1?version=latest"),
        ("a/../b?c#d@x/y", "/prompts/a%2F..%2Fb%3Fc%23d@x%2Fy", "/prompts/a%2F..%2Fb%3Fc%23d?version=x%2Fy"),
    ],
)
def test_where_a_prompt_stands(prompt_id: str, path: str, details_path: str) -> None:
    reference = read_reference(prompt_id)

    assert (reference.path, reference.details_path) == (path, details_path)


@pytest.mark.parametrize(("prompt_id", "message"), [(" ", "empty"), ("@12", "empty"), ("pp-1@", "names no version")])
def test_what_is_no_prompt(prompt_id: str, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        read_reference(prompt_id)


@pytest.mark.parametrize(
    ("template", "required", "optional"),
    [
        ("Hi {{ name }}, {{{raw}}} and {{&too}}", ("name", "raw", "too"), ()),
        ("{{phone number}} {{phone number}}", ("phone number",), ()),
        ("{{! a comment }}{{>pp-tone}}{{>>mine}}", ("mine",), ()),
        ("{{#items}}{{name}} {{.}}{{/items}}{{^items}}{{none}}{{/items}}", (), ("items", "name", "none")),
        ("{{#shown}}{{name}}{{/shown}} {{name}}", ("name",), ("shown",)),
        ('[{"role": "user", "content": "{{question}}"}]', ("question",), ()),
        ("no variable { here }}", (), ()),
    ],
)
def test_the_variables_of_a_template(template: str, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    assert read_variables(template) == (required, optional)


TOLD: dict[str, Any] = {
    "slug": "pp-1",
    "model": "claude-sonnet-4-6",
    "virtual_key": "anthropic",
    "prompt_version": 3,
    "prompt_version_labels": [{"name": "staging"}],
    "string": "{{#shown}}{{inner}}{{/shown}}{{outer}}",
    "parameters": {"max_tokens": 64},
    "tools": None,
}


def test_what_is_told_of_a_template() -> None:
    known = ("claude-sonnet-4-6", "anthropic", TOLD["string"], {"max_tokens": 64})

    assert decode_template(TOLD, read_reference("pp-1")) == PromptTemplate(("outer",), ("shown", "inner"), *known)


def test_the_hosted_service_tells_the_variables_of_partials_too() -> None:
    components = {
        "partials": ["pp-tone"],
        "sections": ["shown"],
        "variables": ["outer", "mood", "shown"],
        "sectionVariables": {"shown": ["inner"]},
        "variablePartials": ["mine"],
    }

    told = decode_template({**TOLD, "variable_components": components}, read_reference("pp-1"))

    assert (told.variables, told.optional) == (("outer", "mood", "mine"), ("shown", "inner"))


@pytest.mark.parametrize(
    ("prompt_id", "is_known"),
    [("pp-1@3", True), ("pp-1@staging", True), ("pp-1@latest", True), ("pp-1@4", False), ("pp-1@production", False)],
)
def test_of_another_version_nothing_is_known(prompt_id: str, is_known: bool) -> None:
    told = decode_template(TOLD, read_reference(prompt_id))

    assert (told.variables is not None) == is_known
    assert is_known or "another version" in told.unknown_because
