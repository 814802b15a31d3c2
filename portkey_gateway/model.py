"""What the model classes of all frameworks have in common: their parameters, and how a call is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self, cast

from pydantic import Field, field_validator

from portkey_gateway.caching.plan import PromptCachingOption, read_prompt_caching
from portkey_gateway.caller import GatewayCaller
from portkey_gateway.client import GatewayClient
from portkey_gateway.conversation.parameters import with_one_name
from portkey_gateway.conversation.request import ChatRequest, Message
from portkey_gateway.conversation.tool_choice import encode_tool_choice
from portkey_gateway.routing import Route, choose_api_format, find_route

_PARAMETERS: Final = ("max_tokens", "temperature", "top_p", "top_k", "stop", "thinking")
_IN_THE_BODY: Final = frozenset({"model", *_PARAMETERS})


class GatewayModel(GatewayCaller):
    """The fields of a model behind the gateway, beside the gateway's own options."""

    model: str = Field(min_length=1)
    """The model's name, such as ``claude-sonnet-4-6``, or ``@slug/name`` from Portkey's model catalog."""
    max_tokens: int | None = Field(default=None, gt=0)
    """The most tokens to answer with; a Claude gets 4096 if nothing is said."""
    temperature: float | None = None
    """0 to 1 for Claude."""
    top_p: float | None = None
    """Nucleus sampling."""
    top_k: int | None = None
    """Sampling from the k likeliest tokens."""
    stop: list[str] | None = Field(default=None, alias="stop_sequences")
    """Texts that end the answer."""
    thinking: dict[str, Any] | None = None
    """Claude's extended thinking, such as ``{"type": "enabled", "budget_tokens": 2048}``."""
    prompt_caching: PromptCachingOption = None
    """What Claude shall cache: what is marked (``None``), the beginnings that calls share (``"auto"``), or as said."""
    inline_images: bool = False
    """Fetch images and documents given by URL and send their data: some targets take base64 only."""

    @field_validator("prompt_caching", mode="before")
    @classmethod
    def _read_prompt_caching(cls, value: Any) -> Any:
        return read_prompt_caching(value)

    def for_call(self, arguments: Mapping[str, Any]) -> tuple[Self, dict[str, Any]]:
        """Sort the keyword arguments of one call into options of the model and parameters of the request.

        Args:
            arguments: what the caller passed beside the messages.

        Returns:
            The model to call, with the options that hold for this call, and the remaining parameters.
        """
        options = {name: arguments[name] for name in arguments.keys() & type(self).model_fields.keys() - _IN_THE_BODY}
        if str(arguments.get("model") or "").startswith("@"):
            # A provider of the catalog: neither its name nor its key is then the environment's.
            options["model"] = arguments["model"]
        parameters = {name: value for name, value in arguments.items() if name not in options}
        if not options:
            return self, parameters
        called = self.with_options(**options)
        if called.api_format == "auto":
            called.api_format = choose_api_format(self, self.model, called, str(arguments.get("model") or called.model))
        return called, parameters

    def route(self, model: str | None = None) -> Route:
        """Where a call goes, in the format that this object's own options choose.

        Args:
            model: the name that the call gives, if it gives one.
        """
        if not model or model == self.model:
            return find_route(self, self.model)
        return find_route(self, model, api_format=choose_api_format(self, self.model, self, model))

    def gateway_client(self, **more: Any) -> GatewayClient:
        """The client that calls under these options and plans cache breakpoints; cheap, connections are shared."""
        return super().gateway_client(**{"prompt_caching": self.prompt_caching, **more})

    def targets_claude(self, model: str | None = None) -> bool:
        """Tell whether a call, perhaps of another ``model``, goes to a Claude."""
        return self.route(model).is_claude

    def request(self, messages: list[Message], parameters: Mapping[str, Any]) -> ChatRequest:
        """Build a request from encoded messages, the model's own parameters, and those of this call, which win."""
        own = {name: value for name in _PARAMETERS if (value := getattr(self, name)) is not None}
        request = {"model": self.model, "messages": messages, **own, **with_one_name(parameters)}
        if not request.get("stop"):
            request.pop("stop", None)
        if "tool_choice" in request:
            request["tool_choice"] = encode_tool_choice(request["tool_choice"])
        return cast("ChatRequest", request)
