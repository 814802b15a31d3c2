"""Where a call goes and how it is labelled: typed options, rendered as ``x-portkey-*`` headers.

Header names: Portkey's header reference and the open-source gateway 1.15.2 (``src/globals.ts``).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    Secret,
    SecretStr,
    SerializationInfo,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from portkey_gateway.config_checks import check_config
from portkey_gateway.hidden_input import HidesInput
from portkey_gateway.keys import KEYS, AskedKey, Key, hide_key, key_header
from portkey_gateway.models.names import Family
from portkey_gateway.names import check_header, check_names, check_url
from portkey_gateway.secret_names import find_secrets, is_long, looks_like_key, shown_name, shown_url
from portkey_gateway.targets import render_config

HOSTED_BASE_URL: Final = "https://api.portkey.ai/v1"
"""The hosted gateway, used when no ``base_url`` is given."""

ApiFormat: TypeAlias = Literal["auto", "chat_completions", "messages"]
"""How requests and answers are written; ``auto`` chooses by where the call goes (``routing``)."""
GatewayName: TypeAlias = Literal["auto", "hosted", "oss-1", "oss-2"]
"""Which gateway it is; ``auto`` goes by ``base_url``."""

_NO_HEADERS = frozenset(
    {"api_format", "base_url", "config_targets", "default_headers", "gateway", "gateway_headers", "metadata",
     "metadata_keys", "provider_api_key"}
)  # fmt: skip
_HEADER_PREFIX = "x-portkey-"
MASK: Final = "**********"
_ROUTE = ("provider", "virtual_key", "config", "custom_host")
_ROUTE_VARIABLES = ("provider", "provider_api_key", "custom_host")
_CONFIG_ID = re.compile(r"[!-~]+")
# RFC 9110, 5.1 and 5.6.2.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class GatewayFields(HidesInput):
    """The options of the gateway under the names that every class of this project takes.

    The model classes of the plugins inherit these fields, so that a name means the same everywhere. Each key may be a
    function, too, which is asked for it before each request: in async calls one that is ``async``, also.
    """

    # What only others are made of is not built by itself: each takes some hundredths of a second of the import. Those
    # that users make are built at once, since two threads must not do it.
    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)

    api_key: Key | None = None
    """The Portkey API key; read from ``PORTKEY_API_KEY``. The hosted gateway needs one. Text is hidden at once."""
    base_url: str = ""
    """The gateway, with its ``/v1``; read from ``PORTKEY_BASE_URL``, else the hosted gateway."""
    provider: str | None = None
    """A provider slug such as ``anthropic``, or ``@slug`` of a provider in the model catalog."""
    provider_api_key: Key | None = None
    """The provider's own key, sent as ``Authorization``; goes with ``provider``."""
    virtual_key: Key | None = None
    """A virtual key: Portkey's stored provider key (older name of a provider in the model catalog)."""
    # Any is a GatewayConfig, whose classes are not worth their import to those who have none.
    config: str | dict[str, Any] | Any | None = Field(default=None, repr=False)
    """A gateway config: its id (``pc-…``), or the config itself as a ``GatewayConfig``, a mapping or JSON text; it may
    hold secrets."""
    config_targets: tuple[str, ...] = ()
    """Which providers may answer a config that is given by its id, such as ``("openai", "anthropic")``: nobody but
    Portkey knows what stands in it, and a request is built so that each of its targets can take it. A slug of the
    model catalog (``"@anthropic-prod"``) is a Claude's where it says ``anthropic`` or ``claude``; of providers that
    serve several families name the model, too (``"bedrock/claude-sonnet-4-5"``, ``"@team/gpt-5"``)."""
    custom_host: str | None = None
    """A provider host other than the provider's own, with its path."""
    trace_id: str | None = None
    """Joins calls into one trace; set per call by the frameworks' callbacks otherwise."""
    span_name: str | None = None
    """The name of this call in its trace."""
    cache_namespace: str | None = None
    """Partitions the gateway's response cache."""
    cache_force_refresh: bool | None = None
    """Answer anew and store the answer in the gateway's response cache."""
    request_timeout: int | None = Field(default=None, gt=0)
    """Milliseconds the gateway waits for the provider; it answers HTTP 408 then. Not for stalled streams."""
    forward_headers: tuple[str, ...] | None = None
    """Names of request headers that the gateway passes on to the provider."""
    sensitive_headers: tuple[str, ...] | None = None
    """Names of request headers that Portkey keeps out of its logs."""
    strict_open_ai_compliance: bool = False
    """True limits answers to OpenAI's schema: thinking is lost and finish reasons are mapped."""
    anthropic_beta: str | None = None
    """Anthropic's beta features, comma separated."""
    anthropic_version: str | None = None
    """Anthropic's API version."""
    api_format: ApiFormat = "auto"
    """``chat_completions`` (any provider), ``messages`` (all of Claude), or ``auto``: ``messages`` where surely a
    Claude answers that the gateway serves so, and no config may send the call elsewhere."""
    gateway: GatewayName = "auto"
    """Which gateway ``base_url`` is, since they do not carry the same: ``hosted``, ``oss-1`` (open source 1.x) or
    ``oss-2`` (its branch 2.0.0); ``auto`` takes any but Portkey's own for ``oss-1``."""
    metadata_keys: tuple[str, ...] | None = None
    """The only metadata to send with calls, if given; the frameworks' runs may carry more than is meant for Portkey."""
    default_headers: dict[str, str] = Field(default_factory=dict, repr=False)
    """Further HTTP headers, sent as they are; they may hold secrets, so no repr shows them."""
    gateway_headers: dict[str, str] = Field(default_factory=dict, repr=False)
    """Further ``x-portkey-*`` headers by name without the prefix, such as ``{"azure_resource_name": …}``."""

    @model_validator(mode="wrap")
    @classmethod
    def _complete(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(values, Mapping):
            return handler(values)
        found = _read_environment(values)
        completed = {**values, **found}
        completed["base_url"] = str(completed["base_url"]).strip().rstrip("/")
        options = handler(completed)
        # What only the environment gave counts as not set, so that a changed copy asks the environment anew: the
        # environment's key must not follow a copy to another provider.
        options.model_fields_set.difference_update(found)
        return options

    @field_validator(*KEYS, mode="before")
    @classmethod
    def _hide_key(cls, key: Any) -> Any:
        # The annotation says ``str`` too so that type checkers take the text that everybody passes.
        return hide_key(key)

    @field_validator("config", mode="before")
    @classmethod
    def _read_config(cls, config: Any) -> Any:
        given = config.to_config() if hasattr(config, "to_config") else config
        if not isinstance(given, str | dict | None):
            raise ValueError("config must be a GatewayConfig, a mapping, JSON text or the id of a saved config")
        return given

    @field_validator("config")
    @classmethod
    def _check_config(cls, config: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
        # Whatever is wrong with it, the config is not shown: it may hold keys of providers.
        if not isinstance(config, str):
            return _checked(config) if config else config
        text = config.strip()
        if not text.startswith(("{", "[")):
            if not _CONFIG_ID.fullmatch(text):
                raise ValueError("config must be a config id such as 'pc-my-config-1a2b3c', a mapping or JSON text")
            return text
        try:
            parsed = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"config looks like JSON but is not: {error.msg} at character {error.pos}; give a mapping instead"
            ) from None
        if not isinstance(parsed, dict):
            raise ValueError("config as JSON must be an object, as Portkey's config editor shows it; got a list")
        return _checked(parsed)

    @field_validator("config_targets")
    @classmethod
    def _check_told(cls, told: tuple[str, ...]) -> tuple[str, ...]:
        slugs = tuple(slug.strip() for slug in told)
        if not all(slug.strip("@") for slug in slugs):
            raise ValueError(
                "config_targets holds an empty text: name providers, such as 'openai', 'anthropic' or '@my-slug'"
            )
        return slugs

    @field_validator("forward_headers", "sensitive_headers", mode="before")
    @classmethod
    def _split_header_names(cls, names: Any) -> Any:
        return tuple(name.strip() for name in names.split(",") if name.strip()) if isinstance(names, str) else names

    @field_validator("forward_headers", "sensitive_headers")
    @classmethod
    def _check_header_names(cls, names: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        for name in names or ():
            _check_header_name(f"a name in {info.field_name}", name)
        return names

    @field_validator("default_headers", "gateway_headers")
    @classmethod
    def _check_header_values(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            _check_header_name("a header's name", name)
            check_header(f"the header {shown_name(name)}", value)
        return headers

    @field_validator(
        "api_key", "provider_api_key", "virtual_key", "provider", "custom_host", "trace_id", "span_name",
        "cache_namespace", "forward_headers", "sensitive_headers", "anthropic_beta", "anthropic_version",
    )  # fmt: skip
    @classmethod
    def _check_header_text(cls, value: Any, info: ValidationInfo) -> Any:
        # httpx would refuse the header only when it is sent, and quote it, a key too, in its error.
        for text in value if isinstance(value, tuple) else (value,):
            if text is not None and not isinstance(text, AskedKey):
                check_header(str(info.field_name), _render(text))
        return value

    @field_validator("base_url", "custom_host")
    @classmethod
    def _check_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is not None:
            check_url(str(info.field_name), url)
        return url

    @model_validator(mode="after")
    def _check_authentication(self) -> Self:
        if self.virtual_key and self.provider_api_key:
            raise ValueError(
                "virtual_key and provider_api_key exclude each other: a virtual key already stands for the "
                "provider's key; give one of the two"
            )
        if self.base_url == HOSTED_BASE_URL and not self.api_key:
            text = (
                "api_key is missing: the hosted gateway needs a Portkey API key; pass api_key= or set PORTKEY_API_KEY"
            )
            if not os.environ.get("PORTKEY_BASE_URL"):
                text += (
                    ". PORTKEY_BASE_URL is not set either: if the sandbox runs, export the lines it printed; "
                    "for a gateway of your own, pass base_url="
                )
            raise ValueError(text)
        return self

    def render_headers(self) -> dict[str, str]:
        """Render the headers of every call under these options; metadata and the trace are the trace room's."""
        headers = {"content-type": "application/json"}
        headers |= {name.lower(): value for name, value in self.default_headers.items()}
        for name in GatewayFields.model_fields:
            value = getattr(self, name)
            if name not in _NO_HEADERS and value is not None and not isinstance(value, AskedKey):
                headers[_HEADER_PREFIX + name.replace("_", "-")] = _render(value)
        for name, text in self.gateway_headers.items():
            headers[_HEADER_PREFIX + name.replace("_", "-").lower().removeprefix(_HEADER_PREFIX)] = text
        if self.provider_api_key and not isinstance(self.provider_api_key, AskedKey):
            headers |= [key_header("provider_api_key", _render(self.provider_api_key))]
        return headers

    def asked_keys(self) -> dict[str, AskedKey]:
        """The keys that functions are asked for, by the names of their options: ``render_headers`` has none of them."""
        return {name: key for name in sorted(KEYS) if isinstance(key := getattr(self, name), AskedKey)}

    def family_for(self, model: str) -> Family | None:
        """The family that these options tell of a model by themselves; none, where its name has to tell it."""
        _ = model
        return None

    def secrets(self) -> tuple[str, ...]:
        """The key texts that must never show up in an error or a log: also those of headers and an inline config.

        Texts shorter than six characters are no secrets; blotted out, they would take half of an error's words along.
        """
        keys = (self.api_key, self.provider_api_key, self.virtual_key)
        given = [_render(key) for key in keys if key and not isinstance(key, AskedKey)]
        return (*filter(is_long, given), *find_secrets(self._may_hold_secrets()))

    def _may_hold_secrets(self) -> list[Any]:
        return [self.default_headers, self.gateway_headers, self.config, self.custom_host]

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """What a repr shows; of ``custom_host`` nothing of its query, which may hold a key."""
        for name, value in super().__repr_args__():
            yield name, shown_url(value) if name == "custom_host" and isinstance(value, str) else value

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            """Set an option; a key that is set later is hidden as one that the constructor takes."""
            super().__setattr__(name, hide_key(value) if name in KEYS else value)

    @field_serializer(*KEYS)
    def _mask_key(self, key: Any, info: SerializationInfo) -> Any:
        return MASK if key and info.mode == "json" else key

    @field_serializer("config", "custom_host", "default_headers", "gateway_headers", "mcp_servers", check_fields=False)
    def _mask(self, value: Any, info: SerializationInfo) -> Any:
        """Mask as pydantic masks a ``SecretStr``: an inline config may hold providers' keys, and so may a query."""
        is_shown = not value or (isinstance(value, str) and "?" not in value)
        if is_shown or not isinstance(value, Mapping | list | str):
            return value
        return MASK if info.mode == "json" else Secret(value)


class GatewayOptions(GatewayFields):
    """Where a call goes and how it is labelled; frozen, and a name it does not know is an error.

    Raises:
        pydantic.ValidationError: (a ``ValueError``) naming the option and what to do; never with a secret in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=False)

    metadata: dict[str, Any] = Field(default_factory=dict)
    """Labels of the call in Portkey's logs, and what conditional routing reads; encoded by the trace room."""

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            check_names(values, cls.model_fields)
        return values

    @field_validator("metadata", mode="before")
    @classmethod
    def _check_metadata(cls, metadata: Any) -> Any:
        return check_metadata(metadata)

    def merge(self, **changes: Any) -> GatewayOptions:
        """Return options with ``changes`` applied; ``metadata`` and header mappings are merged key by key.

        Raises:
            pydantic.ValidationError: if a name or value of ``changes`` is not valid.
        """
        known = {name: getattr(self, name) for name in self.model_fields_set}
        for name in ("metadata", "default_headers", "gateway_headers"):
            if isinstance(changes.get(name), Mapping):
                changes[name] = {**getattr(self, name), **changes[name]}
        return GatewayOptions(**(known | changes))


def check_metadata(metadata: Any) -> dict[str, Any]:
    """Refuse metadata that is not a mapping with text keys.

    Raises:
        ValueError: naming what was given.
    """
    if not isinstance(metadata, Mapping):
        raise ValueError(f"metadata must be a mapping such as {{'team': 'search'}}; got {type(metadata).__name__}")
    for key in metadata:
        if not isinstance(key, str):
            raise ValueError(f"metadata keys must be text; got {key!r}")
    return dict(metadata)


def _read_environment(values: Mapping[str, Any]) -> dict[str, str]:
    """What the environment says of options that are not given; ``base_url`` is always known in the end."""
    found: dict[str, str] = {}
    # The last three describe one route; a caller who names a route of their own gets nothing from the environment.
    for name in ("api_key", "base_url", *(() if _names_a_route(values) else _ROUTE_VARIABLES)):
        variable = f"PORTKEY_{name.upper()}"
        if not values.get(name) and (text := os.environ.get(variable, "").strip()):
            if name in {"base_url", "custom_host"}:
                check_url(variable, text)
            check_header(variable, text)
            found[name] = text
    return found if values.get("base_url") else {"base_url": HOSTED_BASE_URL, **found}


def _names_a_route(values: Mapping[str, Any]) -> bool:
    # A prompt of the library knows its own provider.
    if any(values.get(name) for name in (*_ROUTE, "prompt_id")) or str(values.get("model") or "").startswith("@"):
        return True
    headers = {**_mapping(values.get("gateway_headers")), **_mapping(values.get("default_headers"))}
    named = {str(name).lower().replace("_", "-").removeprefix(_HEADER_PREFIX) for name in headers}
    return not named.isdisjoint({"authorization", *(name.replace("_", "-") for name in _ROUTE)})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _check_header_name(what: str, name: str) -> None:
    # It is not shown: a header with its key may stand in its place, or the key itself.
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{what} is none that HTTP takes: letters, digits and hyphens only, such as 'x-team'")
    if looks_like_key(name):
        raise ValueError(f"{what} looks like a key: give the header's name there, and keys by their own options")


def _checked(config: dict[str, Any]) -> dict[str, Any]:
    check_config(config)
    try:
        json.dumps(config, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError(
            "config holds something that JSON does not know: give text, numbers, lists, mappings"
        ) from None
    return config


def _render(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return render_config(value)
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)
