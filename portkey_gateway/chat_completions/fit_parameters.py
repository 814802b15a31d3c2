"""Parameters and tools of a request, said so that whoever may answer takes them: by the table of providers.

What the open-source gateway 1.15.2 drops on the way to one of them is warned of by name; of other gateways nobody knows
what they drop, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from portkey_gateway.chat_completions.gemini_schema import as_all_take_it, as_gemini_takes_it
from portkey_gateway.chat_completions.providers import PROVIDERS, Provider, SchemaForm, Telling, providers_of
from portkey_gateway.conversation.response_format import schema_in_words
from portkey_gateway.conversation.schema import with_object_at_top
from portkey_gateway.errors import EncodingError, warn
from portkey_gateway.names import meant_option
from portkey_gateway.options import GatewayFields
from portkey_gateway.routing import Route

# What every transform knows, or what this package says by itself.
_ALWAYS: Final = frozenset(
    {"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "anthropic_beta",
     "anthropic_version"}
)  # fmt: skip
BY_ITSELF: Final[dict[str, Any]] = {"parallel_tool_calls": True, "n": 1, "logprobs": False, "store": False,
                                    "tool_choice": "auto", "response_format": {"type": "text"}}  # fmt: skip
"""What is so by itself, whether it is said or not."""
EXPECTED: Final = PROVIDERS["openai"].parameters
"""What is expected of everybody who may answer; what only some providers have is meant for those."""
_GOOGLES_OWN: Final = frozenset(
    {"googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval", "computerUse",
     "computer_use", "googleMaps", "google_maps"}
)  # fmt: skip
"""Names under which the gateway offers Gemini tools of Google's own (1.15.2, ``google-vertex-ai/utils.ts``)."""
_NO_PARAMETERS: Final = {"type": "object", "properties": {}}


def fit_parameters(body: Mapping[str, Any], route: Route, *, has_config: bool = False) -> dict[str, Any]:
    """Return the body of a request as whoever may answer takes it; it is not changed itself.

    Args:
        body: encoded, but for the last word on its limit of tokens.
        route: where the call goes.
        has_config: whether each target is told apart what it takes otherwise (``fit_override``).

    Raises:
        EncodingError: if tools are offered, and the gateway drops them for all who may answer; if the tool that is
            asked for is none of them; if a schema cannot be said to Gemini, and nobody else may answer.

    Warns:
        PortkeyWarning: if a parameter does not reach somebody who may answer.
    """
    providers = providers_of(route)
    if not providers:
        return {**body}
    fitted = {name: value for name, value in body.items() if value is not None}
    for provider in providers:
        _leave_out_refused(fitted, provider)
    _fit_choice(fitted, providers)
    if tools := fitted.get("tools"):
        fitted["tools"] = [_fit_tool(tool, providers) for tool in tools]
    _fit_format(fitted, providers, has_config=has_config)
    if "top_k" in fitted and any("k" in each.parameters for each in providers):
        fitted.setdefault("k", fitted["top_k"])  # Cohere's word for it, which the gateway tells nobody else
    if route.gateway == "oss-1":
        _tell_losses(fitted, providers)
    return fitted


def fit_override(
    own: Mapping[str, Any], body: Mapping[str, Any], provider: Provider, route: Route, where: str
) -> dict[str, Any]:
    """Return the ``override_params`` of a target as its provider takes them.

    A form of the answer that the request says in words which this provider does not take is said there in its own.

    Args:
        own: in our words.
        body: the request beside.
        provider: that of the target.
        route: where the call goes.
        where: what a warning about them begins with.

    Raises:
        EncodingError: if a schema cannot be said to Gemini.

    Warns:
        PortkeyWarning: if a parameter does not reach it.
    """
    fitted = {**own}
    _leave_out_refused(fitted, provider, where)
    if tools := fitted.get("tools"):
        fitted["tools"] = [_fit_tool(tool, [provider], where) for tool in tools]
    form = own.get("response_format") or _said_apart(body.get("response_format"), provider, route)
    if isinstance(form, Mapping) and form.get("type") == "json_schema":
        schema = _fit_schema(_schema_of(form), [provider], f"{where}the schema")
        fitted["response_format"] = _as_provider_takes_it(form, schema, provider.schema_form)
        if provider.schema_form == "in words" and form is own.get("response_format"):
            warn(f"{where}the schema of response_format does not reach {provider.name}: ask for it in the request")
    if route.gateway == "oss-1":
        for name, value in own.items():
            deaf = name not in provider.parameters and not _knows_as_k(name, provider)
            if deaf and name not in _ALWAYS and value != BY_ITSELF.get(name):
                warn(f"{where}{name} does not reach {provider.name}: the gateway has no word for it there")
        _tell_clamped(own, provider, where)
        if own.get("logprobs"):
            _tell_lost_logprobs([provider], where, is_streamed=bool(body.get("stream")))
    return fitted


def _said_apart(asked: Any, provider: Provider, route: Route) -> Any:
    """The request's form of the answer, if it is not as this provider takes it.

    In the one request that all targets get, the gateway takes out for a Gemini (1.15.2) what OpenAI's strict mode wants
    to see in a schema.
    """
    if provider.schema_form != "json_schema":
        return asked
    is_strict = isinstance(asked, Mapping) and (asked.get("json_schema") or {}).get("strict") is True
    return asked if is_strict and not provider.is_gemini and any(e.is_gemini for e in providers_of(route)) else None


def _leave_out_refused(told: dict[str, Any], provider: Provider, where: str = "") -> None:
    """Leave out what the provider refuses of what the gateway carries to it."""
    for name in sorted(provider.refuses & told.keys()):
        if told.pop(name) != BY_ITSELF.get(name):
            warn(f"{where}{name} is left out: {provider.name} refuses it")


def _schema_of(form: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = (form.get("json_schema") or {}).get("schema") or {"type": "object"}
    return schema


def _as_provider_takes_it(asked: Mapping[str, Any], schema: Any, form: SchemaForm) -> dict[str, Any]:
    """``response_format`` with a JSON schema in the form that one provider takes."""
    if form == "in json_object":
        return {"type": "json_object", "json_schema": schema}
    if form == "in words":
        return {"type": "json_object"}
    return {**asked, "json_schema": {**(asked.get("json_schema") or {}), "schema": schema}}


def carries(route: Route, *parameters: str) -> bool:
    """Tell whether parameters reach everyone who may answer but is no Claude, as far as is known.

    Args:
        route: where the call goes.
        parameters: their names.
    """
    if route.gateway != "oss-1":
        return True
    return all(each.is_claude or each.parameters.issuperset(parameters) for each in providers_of(route))


def _fit_choice(body: dict[str, Any], providers: Sequence[Provider]) -> None:
    choice = body.get("tool_choice")
    if choice == "none" and any("none" not in each.choices for each in providers):
        if any(message.get("tool_calls") or message["role"] == "tool" for message in body["messages"]):
            names = _names(each for each in providers if "none" not in each.choices)
            warn(f"tool_choice 'none' does not reach {names}, which wants to know the tools of earlier calls")
        else:
            del body["tool_choice"]
            body.pop("tools", None)
    if isinstance(choice, Mapping) and all("one" not in each.choices for each in providers):
        wanted = choice["function"]["name"]
        body["tools"] = [tool for tool in body.get("tools") or () if _name_of(tool) == wanted]
        if not body["tools"]:
            raise EncodingError(f"tool_choice names {wanted!r}, which is none of the tools of the request: offer it")
        body["tool_choice"] = "required"


def _name_of(tool: Mapping[str, Any]) -> str | None:
    name: str | None = tool.get("function", {}).get("name")
    return name


def _fit_tool(tool: Mapping[str, Any], providers: Sequence[Provider], where: str = "") -> dict[str, Any]:
    function = tool.get("function")
    if not isinstance(function, Mapping):
        return {**tool}
    if function.get("name") in _GOOGLES_OWN and all(each.is_gemini for each in providers):
        # Its parameters are the options of that tool, and no schema.
        if "properties" in (function.get("parameters") or {}):
            warn(f"{where}tool {function['name']!r} is taken for Google's own of that name: call yours otherwise")
        return {**tool}
    fitted = {**function}
    if fitted.get("strict") is not None and (lax := [each for each in providers if not each.takes_strict]):
        del fitted["strict"]
        warn(f"{where}strict of tool {fitted.get('name')!r} is left out: {_names(lax)} refuses it")
    if any(each.wants_parameters for each in providers):
        fitted = {name: value for name, value in fitted.items() if value or name != "description"}
        fitted["parameters"] = {**_NO_PARAMETERS, **(fitted.get("parameters") or {})}
    if "parameters" in fitted:
        name = fitted.get("name")
        fitted["parameters"] = _fit_schema(fitted["parameters"], providers, f"{where}the parameters of tool {name!r}")
        if any(each.is_gemini for each in providers) and not fitted["parameters"].get("properties"):
            fitted = _without_parameters(fitted, providers)
    if fitted.get("strict") and (geminis := [each for each in providers if each.is_gemini]):
        name = fitted.get("name")
        warn(f"{where}strict of tool {name!r} does not reach {_names(geminis)}: the gateway has no place for it")
    return {**tool, "function": fitted}


def _without_parameters(function: dict[str, Any], providers: Sequence[Provider]) -> dict[str, Any]:
    """A tool without arguments: Gemini refuses an empty schema, and all but a few others take a tool without one."""
    if wanting := [each for each in providers if each.wants_parameters]:
        geminis = _names(each for each in providers if each.is_gemini)
        warn(
            f"tool {function.get('name')!r} takes no arguments: {geminis} refuses the empty schema that "
            f"{_names(wanting)} wants; give it one that is optional"
        )
        return function
    # Of no arguments none has to be strict.
    return {word: value for word, value in function.items() if word not in {"parameters", "strict"}}


def _fit_schema(schema: Mapping[str, Any], providers: Sequence[Provider], of: str) -> dict[str, Any]:
    geminis = [each for each in providers if each.is_gemini]
    schema = with_object_at_top(schema)
    if not geminis:
        return schema
    try:
        return as_gemini_takes_it(schema, of) if len(geminis) == len(providers) else as_all_take_it(schema, of)
    except EncodingError as error:
        if len(geminis) == len(providers):
            raise EncodingError(f"{of}: {error}") from error
        warn(f"{of} will be refused by {_names(geminis)}, where the config may send this call: {error}")
        return schema


def _fit_format(body: dict[str, Any], providers: Sequence[Provider], *, has_config: bool) -> None:
    asked = body.get("response_format")
    if not isinstance(asked, Mapping) or asked.get("type") != "json_schema":
        return
    schema = _fit_schema(_schema_of(asked), providers, "the schema of response_format")
    forms: set[SchemaForm] = {each.schema_form for each in providers}
    form: SchemaForm = next(iter(forms)) if len(forms) == 1 else "json_schema"
    if len(forms) > 1 and not has_config:
        form = "in words"  # which all of them take
    body["response_format"] = _as_provider_takes_it(asked, schema, form)
    if "in words" in {form, *forms}:
        body["messages"] = [{"role": "system", "content": schema_in_words(schema)}, *body["messages"]]


def _tell_losses(body: Mapping[str, Any], providers: Sequence[Provider]) -> None:
    others = [each for each in providers if not each.is_claude]
    for name, value in body.items() if others else ():
        if name in _ALWAYS or value == BY_ITSELF.get(name):
            continue
        deaf = [each for each in others if name not in each.parameters and not _knows_as_k(name, each)]
        if not deaf or (len(deaf) < len(providers) and name not in EXPECTED):
            continue
        if name == "tools" and len(deaf) == len(providers):
            raise EncodingError(
                f"tools do not reach {_names(deaf)}: the open-source gateway 1.15.2 drops them there; ask without "
                "tools, or another provider that serves the model"
            )
        is_known = name in EXPECTED or len(deaf) < len(providers)
        meant = None if is_known else meant_option(name, GatewayFields.model_fields)
        why = f"did you mean {meant!r}?" if meant else "the gateway has no word for it there"
        warn(f"{name} does not reach {_names(deaf)}: {why}")
    if body.get("logprobs"):
        _tell_lost_logprobs(providers, is_streamed=bool(body.get("stream")))
    for each in others:
        _tell_clamped(body, each)


def _tell_clamped(told: Mapping[str, Any], provider: Provider, where: str = "") -> None:
    temperature = told.get("temperature")
    if temperature is not None and temperature > (most := provider.most_temperature):
        warn(f"{where}temperature {temperature} is sent to {provider.name} as {most}: the gateway tells it no more")


def _tell_lost_logprobs(providers: Sequence[Provider], where: str = "", *, is_streamed: bool) -> None:
    telling: Telling = "streamed" if is_streamed else "whole"
    silent = [each for each in providers if "logprobs" in each.parameters and telling not in each.logprobs]
    if silent:
        answers = f"{telling} answers" if any(each.logprobs for each in silent) else "answers"
        warn(f"{where}logprobs come to nothing at {_names(silent)}: the gateway tells none of its {answers}")


def _knows_as_k(name: str, provider: Provider) -> bool:
    return name == "top_k" and "k" in provider.parameters


def _names(providers: Any) -> str:
    return " and ".join(each.name for each in providers)
