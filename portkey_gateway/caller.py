"""What the classes of all frameworks that call the gateway have in common: options, connections, copies."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import httpx
from pydantic import ConfigDict, Field, PrivateAttr, field_validator, model_validator

from portkey_gateway.call_builder import Rendered
from portkey_gateway.client import DEFAULT_TIMEOUT_S, GatewayClient
from portkey_gateway.errors import warn
from portkey_gateway.http.patience import TOTAL_TIMEOUT_S
from portkey_gateway.kept import Kept, find_kept
from portkey_gateway.names import check_names, meant_provider
from portkey_gateway.options import GatewayFields

OPTIONS: Final = tuple(GatewayFields.model_fields)
"""The names of the gateway's own options."""
_MERGED: Final = ("metadata", "request_metadata", "default_headers", "gateway_headers")


class GatewayCaller(GatewayFields):
    """The fields of whatever calls the gateway, beside the gateway's own options."""

    model_config = ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True, populate_by_name=True)

    timeout: float | None = Field(default=DEFAULT_TIMEOUT_S, gt=0)
    """Seconds without a byte after which a call fails; ``None`` waits for ever."""
    max_retries: int = Field(default=2, ge=0)
    """How often a call is tried again that failed before its answer began."""
    total_timeout: float | None = Field(default=TOTAL_TIMEOUT_S, gt=0)
    """Seconds that a whole call may take, with all its tries and waits; ``None`` for no end."""
    retry_unanswered: bool = False
    """Try a call again, too, that was sent and got no answer, as after a read timeout or a broken connection: it may
    then be charged more than once."""
    http_client: httpx.Client | None = Field(default=None, exclude=True, repr=False)
    """A client of yours for sync calls; it is never closed here."""
    http_async_client: httpx.AsyncClient | None = Field(default=None, exclude=True, repr=False)
    """A client of yours for async calls; it is never closed here."""

    _rendered: Kept[Rendered] = PrivateAttr(default_factory=Kept)
    _by_place: ClassVar[tuple[str, ...]] = ()
    """The options that may be given without their names, in this order."""

    if not TYPE_CHECKING:  # who checks types knows the options by their fields

        def __init__(self, *given: Any, **options: Any) -> None:
            """Take options by their names; pydantic's own error of others names none."""
            super().__init__(**options, **_named(type(self).__name__, given, self._by_place, options))

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            aliases = {field.alias: None for field in cls.model_fields.values() if field.alias}
            check_names(values, {**cls.model_fields, **aliases})
        return values

    @field_validator("provider")
    @classmethod
    def _check_provider(cls, provider: str | None) -> str | None:
        # Not refused: a gateway newer than this package knows more of them.
        if provider and (meant := meant_provider(provider)):
            warn(f"provider {provider!r} is not one that Portkey is known to have: did you mean {meant!r}?")
        return provider

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Copy all but the borrowed clients, whose connections cannot be copied: the copy shares them."""
        memo = {} if memo is None else memo
        memo.update({id(client): client for client in (self.http_client, self.http_async_client) if client})
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[str, Any]:
        """Leave borrowed clients behind: their connections cannot be pickled."""
        # Of a copy: LlamaIndex takes what cannot be pickled off the object itself, and warns of it.
        bare = copy.copy(self)
        bare.http_client = bare.http_async_client = None
        return super(GatewayCaller, bare).__getstate__()

    def with_options(self, **changes: Any) -> Self:
        """Return a copy with some options changed; it shares the connections.

        Args:
            changes: any argument of the constructor; metadata and header mappings are merged key by key.

        Raises:
            pydantic.ValidationError: if a name or value is not valid.
        """
        for name in _MERGED:
            if isinstance(changes.get(name), Mapping):
                changes[name] = {**(getattr(self, name, None) or {}), **changes[name]}
        return type(self)(**{name: getattr(self, name) for name in self.model_fields_set} | changes)

    def rendered_options(self) -> Rendered:
        """What all calls under these options share, rendered once as long as the options stay as they are."""
        rendered: Rendered = find_kept(self, "_rendered").get(self.__dict__, OPTIONS, lambda: Rendered.of(self))
        return rendered

    def gateway_client(self, **more: Any) -> GatewayClient:
        """The client that calls under these options; cheap, since connections are shared.

        Args:
            more: further arguments of ``GatewayClient``.
        """
        return GatewayClient(
            self,
            timeout_s=self.timeout,
            max_retries=self.max_retries,
            total_timeout_s=self.total_timeout,
            retry_unanswered=self.retry_unanswered,
            http_client=self.http_client,
            http_async_client=self.http_async_client,
            rendered=self.rendered_options(),
            **more,
        )


def _named(of: str, given: tuple[Any, ...], names: tuple[str, ...], options: Mapping[str, Any]) -> dict[str, Any]:
    """What was given by its place, under its name.

    Raises:
        TypeError: if there is more of it than places, or it is given by its name, too.
    """
    if len(given) > len(names):
        how = f"{', '.join(names)} alone by its place" if names else "its options by their names"
        raise TypeError(f"{of} takes {how}, such as {of}(model=…, provider=…)")
    if twice := [name for name, _ in zip(names, given, strict=False) if name in options]:
        raise TypeError(f"{of} got {', '.join(twice)} twice: by its place and by its name")
    return dict(zip(names, given, strict=False))
