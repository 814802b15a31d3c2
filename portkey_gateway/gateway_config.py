"""A gateway config as typed objects: a typo in it is an error here, where the gateway says nothing or too little.

Sources: Portkey's documentation ("Config object") and the gateway's own schema
(``middlewares/requestValidator/schema/config.ts`` and ``types/requestBody.ts`` of 1.15.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    field_validator,
    model_validator,
)

from portkey_gateway.hidden_input import validate_hidden
from portkey_gateway.names import check_names, check_url
from portkey_gateway.secret_names import hide_secrets

_CLOUDS: Final = (
    "aws_", "amzn_", "azure_", "vertex_", "openai_", "workers_ai_", "huggingface_", "stability_", "anthropic_",
    "mistral_", "google_", "fireworks_", "snowflake_", "oracle_", "cortex_", "foundry_", "sagemaker_",
)  # fmt: skip
"""How the names of what one cloud alone needs begin; they are passed on as they are."""


_LOGICAL: Final = frozenset({"$and", "$or"})
_EXACTLY: Final = frozenset({"$eq", "$ne", "$in", "$nin"})
_COMPARISONS: Final = _EXACTLY | {"$gt", "$gte", "$lt", "$lte", "$regex"}
# Of a name with more dots the gateway reads the first two parts only.
_READ: Final = re.compile(r"(?:metadata|params)\.[^.]+|url\.pathname")

_TYPED: Final = frozenset({"strategy", "targets", "retry", "cache"})
"""Parts that hold no secret, or are targets and hide their own."""


class _Part(BaseModel):
    """A part of a config; a name that it does not know is an error that says what was probably meant."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            check_names({name: None for name in values if not cls._may_be_called(str(name))}, cls.model_fields)
        return values

    @model_validator(mode="wrap")
    @classmethod
    def _hide_input(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        part: Self = validate_hidden(values, handler)
        return part

    @classmethod
    def _may_be_called(cls, name: str) -> bool:
        return name in cls.model_fields


class Retry(_Part):
    """How often the gateway tries a target again, with growing waits in between."""

    attempts: int = Field(ge=0, le=5)
    """The gateway makes no more than five."""
    on_status_codes: list[int] | None = None
    """By default 429, 500, 502, 503 and 504: Anthropic's 529 (overloaded) has to be named."""
    use_retry_after_header: bool | None = None
    """Wait as long as the provider asks."""


class Cache(_Part):
    """The gateway's own cache of answers (not the provider's prompt cache)."""

    mode: Literal["simple", "semantic"] = "simple"
    max_age: int | None = Field(default=None, gt=0)
    """Seconds."""


class Condition(_Part):
    """Where a call goes whose metadata or parameters are such."""

    query: dict[str, Any]
    """In MongoDB's words, such as ``{"metadata.plan": {"$eq": "paid"}}``; ``params.model`` and ``url.pathname`` can be
    read beside metadata, whose values are texts."""
    then: str
    """The name of a target."""

    @field_validator("query")
    @classmethod
    def _check_query(cls, query: dict[str, Any]) -> dict[str, Any]:
        _check_query(query)
        return query


def _check_query(query: Any) -> None:
    """Refuse what the gateway never finds true, or finds out with every call (``services/conditionalRouter.ts``)."""
    if not isinstance(query, Mapping):
        raise ValueError(f"a query is a mapping such as {{'metadata.plan': {{'$eq': 'paid'}}}}; got {query!r}")
    for name, asked in query.items():
        if name in _LOGICAL:
            for each in asked if isinstance(asked, list) else [asked]:
                _check_query(each)
            continue
        if not _READ.fullmatch(name):
            raise ValueError(f"a condition reads metadata.NAME, params.NAME or url.pathname; got {name!r}")
        compared = asked if isinstance(asked, Mapping) else {"$eq": asked}
        if strangers := compared.keys() - _COMPARISONS:
            known = ", ".join(sorted({*_COMPARISONS, *_LOGICAL}))
            raise ValueError(f"the condition on {name} compares by {', '.join(map(str, strangers))}; known are {known}")
        for operator in _EXACTLY & compared.keys() if name.startswith("metadata.") else ():
            values = compared[operator]
            for value in values if isinstance(values, list) else [values]:
                if not isinstance(value, str):
                    raise ValueError(f"the condition on {name} is never met: metadata are texts; got {value!r}")


class Strategy(_Part):
    """How a call finds its target."""

    mode: Literal["single", "fallback", "loadbalance", "conditional"]
    on_status_codes: list[int] | None = None
    """Statuses at which ``fallback`` goes on to the next; by default every one that is no success."""
    conditions: list[Condition] | None = None
    """Of ``conditional``."""
    default: str | None = None
    """Of ``conditional``: the name of the target where no condition holds."""

    @model_validator(mode="after")
    def _check_mode(self) -> Strategy:
        if self.mode == "conditional" and not self.conditions:
            raise ValueError("a strategy of mode 'conditional' needs conditions")
        return self


class Target(_Part):
    """Where a call may go: a provider, or targets of its own.

    Further names that begin as those of one cloud do (``aws_region``, ``vertex_project_id``) are passed on. What is a
    secret by its name (``aws_secret_access_key``) is kept as a ``SecretStr``, wherever it stands in a target.
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True, frozen=True)

    name: str | None = None
    """By which conditions speak of it."""
    provider: str | None = None
    """A provider's slug, or ``@slug`` of one in the model catalog."""
    api_key: SecretStr | str | None = Field(default=None, repr=False)
    """The provider's key."""
    virtual_key: SecretStr | str | None = Field(default=None, repr=False)
    custom_host: SecretStr | str | None = None
    """A host other than the provider's own, with its path; without user and password, which the gateway refuses."""
    override_params: dict[str, Any] | None = None
    """Parameters that win over those of the request, such as ``{"model": "claude-sonnet-4-6"}``."""
    weight: float | None = Field(default=None, ge=0)
    """Its share in ``loadbalance``; 1 by default."""
    strategy: Strategy | None = None
    targets: list[Target] | None = Field(default=None, min_length=1)
    retry: Retry | None = None
    cache: Cache | None = None
    request_timeout: int | None = Field(default=None, gt=0)
    """Milliseconds."""
    forward_headers: list[str] | None = None
    input_guardrails: list[Any] | None = None
    output_guardrails: list[Any] | None = None
    before_request_hooks: list[Any] | None = None
    after_request_hooks: list[Any] | None = None

    @field_validator("custom_host")
    @classmethod
    def _check_host(cls, url: SecretStr | str | None) -> SecretStr | str | None:
        if url is not None:
            check_url("custom_host", url.get_secret_value() if isinstance(url, SecretStr) else url)
        return url

    @classmethod
    def _may_be_called(cls, name: str) -> bool:
        return name in cls.model_fields or name.startswith(_CLOUDS)

    @model_validator(mode="before")
    @classmethod
    def _hide_secrets(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {name: part if name in _TYPED else hide_secrets(part, str(name)) for name, part in values.items()}

    @model_validator(mode="after")
    def _check_targets(self) -> Target:
        strategy = self.strategy
        if strategy and not self.targets:
            raise ValueError(f"a strategy of mode {strategy.mode!r} needs targets")
        if self.targets and not strategy:
            raise ValueError("targets need a strategy, such as Strategy(mode='fallback')")
        is_balanced = strategy is not None and strategy.mode == "loadbalance"
        if is_balanced and not any(target.weight != 0 for target in self.targets or ()):
            raise ValueError("no target has a weight above 0, so none would ever answer")
        named = {target.name for target in self.targets or ()}
        meant = {condition.then for condition in (strategy.conditions if strategy else None) or ()}
        default = {strategy.default} if strategy and strategy.default else set()
        if strangers := (meant | default) - named:
            raise ValueError(f"conditions speak of {', '.join(sorted(strangers))}, and no target has that name")
        return self

    # After the validator above, so around it.
    @model_validator(mode="wrap")
    @classmethod
    def _hide_all_input(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        target: Self = validate_hidden(values, handler)
        return target


class GatewayConfig(Target):
    """A whole config: ``ChatPortkey(config=GatewayConfig(strategy=…, targets=[…]))``.

    Raises:
        pydantic.ValidationError: (a ``ValueError``) naming what the gateway does not know, never with a key in it.
    """

    def to_config(self) -> dict[str, Any]:
        """The config as the gateway takes it; its keys are readable in it."""
        plain: dict[str, Any] = _plain(self.model_dump(exclude_none=True))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value
