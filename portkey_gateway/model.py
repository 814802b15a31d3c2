"""What the model classes of all frameworks have in common: their parameters, and how a call is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Self, cast

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from portkey_gateway.caching.plan import PromptCachingOption, read_prompt_caching
from portkey_gateway.caller import OPTIONS, GatewayCaller
from portkey_gateway.chat_completions.fit_parameters import carries
from portkey_gateway.client import GatewayClient
from portkey_gateway.conversation.claude import may_force_tools, with_shown_thoughts
from portkey_gateway.conversation.parameters import check_values, with_one_name, without_empty
from portkey_gateway.conversation.request import ChatRequest, Message
from portkey_gateway.conversation.tool_choice import encode_tool_choice
from portkey_gateway.kept import Kept, find_kept
from portkey_gateway.models.facts import ModelFacts, common_facts, find_facts
from portkey_gateway.models.names import Family
from portkey_gateway.routing import Route, choose_api_format, find_route
from portkey_gateway.tracing.find import find_trace_id

_PARAMETERS: Final = (
    "max_tokens", "temperature", "top_p", "top_k", "stop", "thinking", "reasoning_effort", "parallel_tool_calls",
    "response_format", "service_tier", "betas", "mcp_servers", "container", "context_management",
    "user_profile_id",
)  # fmt: skip
# What a model can do only where the gateway carries the parameter to its provider.
_CARRIED: Final = {"calls_tools": "tools", "takes_forced_choice": "tool_choice"}
_SERVERS: Final = "mcp_servers"
# The name of this option, and those of other classes, which are refused with a hint.
_MODEL_NAMES: Final = frozenset({"model", "model_name", "model_id"})
# Where the frameworks' classes take further parameters of the request.
_FURTHER: Final = ("model_kwargs", "additional_kwargs")
_OF_ROUTE: Final = (*OPTIONS, "model", "family")
_IN_THE_BODY: Final = frozenset({"model", *_PARAMETERS})


class GatewayModel(GatewayCaller):
    """The fields of a model behind the gateway, beside the gateway's own options."""

    model: str = Field(min_length=1)
    """The model's name, such as ``claude-sonnet-4-6``, or ``@slug/name`` from Portkey's model catalog."""
    family: Family | None = None
    """Whose model it is, such as ``claude`` or ``openai``, where no name tells: a deployment called ``prod-7``, say."""
    max_tokens: int | None = Field(default=None, gt=0)
    """The most tokens to answer with. A Claude needs one: if nothing is said, the most that it gives, or 4096 where
    that is not known."""
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
    reasoning_effort: str | None = None
    """How much to think, such as ``low`` or ``high``: OpenAI's parameter, and Claude's effort over ``messages``."""
    parallel_tool_calls: bool | None = None
    """``False`` for one tool call at a time."""
    response_format: Any = None
    """The form of every answer: OpenAI's ``response_format``, or in LangChain also a class or a JSON schema."""
    service_tier: str | None = None
    """Which capacity may serve, under the provider's own names; of a Claude over ``messages``."""
    betas: list[str] | None = None
    """Anthropic's beta features to switch on; those that a request surely needs are added by themselves."""
    mcp_servers: list[dict[str, Any]] | None = Field(default=None, repr=False)
    """MCP servers whose tools Claude uses by itself; they may hold keys, so no repr shows them."""
    container: str | dict[str, Any] | None = None
    """The container in which Claude runs code: its id, or what it shall have, such as ``{"skills": […]}``."""
    reuse_last_container: bool = False
    """Go on in the container of the latest answer that tells one."""
    context_management: dict[str, Any] | None = None
    """What Claude shall drop or sum up of a long conversation by itself: ``{"edits": […]}``."""
    user_profile_id: str | None = None
    """For whom the call is, where that is somebody beside the organization whose key it is: Anthropic's id of them."""
    include_response_headers: bool = False
    """Tell the headers of each response beside what the gateway says of the call: ``headers``, as ``ChatOpenAI`` does;
    how much is left of a provider's limits stands there."""
    prompt_caching: PromptCachingOption = None
    """What Claude shall cache: what is marked (``None``), the beginnings that calls share (``"auto"``), or as said."""
    inline_images: bool = False
    """Fetch images and documents given by URL and send their data: some targets take base64 only. Fetched are
    ``http(s)`` URLs of public addresses, 64 MiB for one call and a minute for one URL at the most."""
    inline_from: tuple[str, ...] = ()
    """Hosts, addresses or networks (``"images.internal"``, ``"10.0.0.0/8"``) that media may be fetched from although
    they are private."""

    _route: Kept[Route] = PrivateAttr(default_factory=Kept)
    _facts: Kept[ModelFacts] = PrivateAttr(default_factory=Kept)

    @model_validator(mode="before")
    @classmethod
    def _keep_servers_apart(cls, values: Any) -> Any:
        """Take MCP servers from among the further parameters, since they may hold keys, which those would show."""
        for name in _FURTHER:
            further = values.get(name) if isinstance(values, Mapping) else None
            if isinstance(further, Mapping) and further.get(_SERVERS) and values.get(_SERVERS) is None:
                rest = {key: value for key, value in further.items() if key != _SERVERS}
                values = {**values, name: rest, _SERVERS: further[_SERVERS]}
        return values

    @model_validator(mode="before")
    @classmethod
    def _check_named(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and _MODEL_NAMES.isdisjoint(values):
            raise ValueError(
                "model is missing: name it, such as model='claude-sonnet-4-6'; beside a config, too, whose targets may "
                "name others in their override_params"
            )
        return values

    @field_validator("reasoning_effort", "thinking")
    @classmethod
    def _check_value(cls, value: Any, info: ValidationInfo) -> Any:
        check_values({str(info.field_name): value})
        return value

    @field_validator("inline_from")
    @classmethod
    def _check_inline_from(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        from portkey_gateway.http.addresses import read_allowed  # noqa: PLC0415 for who names such hosts

        read_allowed(entries)
        return entries

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
        if not arguments:
            return self, {}
        fields = type(self).model_fields
        options = {name: value for name, value in arguments.items() if name in fields and name not in _IN_THE_BODY}
        if str(arguments.get("model") or "").startswith("@") or (arguments.get("model") and "family" in options):
            # A provider of the catalog: neither its name nor its key is then the environment's. Or of told family.
            options["model"] = arguments["model"]
        parameters = {name: value for name, value in arguments.items() if name not in options}
        if not options:
            return self, parameters
        called = self.with_options(**options)
        if called.api_format == "auto":
            called.api_format = choose_api_format(self, self.model, called, str(arguments.get("model") or called.model))
        return called, parameters

    def family_for(self, model: str) -> Family | None:
        """The family that is told of this object's own model; of another, which a call or a target names, none is."""
        return self.family if model == self.model else None

    def route(self, model: str | None = None) -> Route:
        """Where a call goes, in the format that this object's own options choose.

        Args:
            model: the name that the call gives, if it gives one.
        """
        if not model or model == self.model:
            route: Route = find_kept(self, "_route").get(self.__dict__, _OF_ROUTE, lambda: find_route(self, self.model))
            return route
        return find_route(self, model, api_format=choose_api_format(self, self.model, self, model))

    def gateway_client(self, **more: Any) -> GatewayClient:
        """The client that calls under these options and plans cache breakpoints; cheap, connections are shared."""
        return super().gateway_client(
            **{"prompt_caching": self.prompt_caching, "inline_from": self.inline_from, **more}
        )

    def feedback(self, of: Any, value: int, *, weight: float = 1.0, metadata: Mapping[str, Any] | None = None) -> None:
        """Rate an answer, as with a thumbs-up: ``model.feedback(answer, 1)`` (hosted gateway only).

        Portkey rates traces, so all calls of the answer's trace share the feedback.

        Args:
            of: the answer: a message or response as it came, or a stored one, what an agent gave, a run or its id, or
                the trace id.
            value: from -10 to 10.
            weight: from 0 to 1.
            metadata: labels of the feedback.

        Raises:
            EncodingError: if ``of`` tells no trace, or value or weight is out of range.
            PortkeyError: if the call fails.
        """
        self.gateway_client().feedback(find_trace_id(of), value, weight=weight, metadata=metadata)

    async def afeedback(
        self, of: Any, value: int, *, weight: float = 1.0, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Async twin of ``feedback``."""
        await self.gateway_client().afeedback(find_trace_id(of), value, weight=weight, metadata=metadata)

    def targets_claude(self, model: str | None = None) -> bool:
        """Tell whether a call, perhaps of another ``model``, goes to a Claude."""
        return self.route(model).is_claude

    @property
    def is_surely_claude(self) -> bool:
        """Whether every call under these options goes to a Claude, whatever its config decides."""
        return self.route().is_surely_claude

    def facts(self, model: str | None = None) -> ModelFacts:
        """What is known of the model of a call; of several that may answer by a config, what holds for all of them.

        What the gateway does not carry to it, it cannot do.

        Args:
            model: the name that the call gives, if it gives one.
        """
        if not model or model == self.model:
            facts: ModelFacts = find_kept(self, "_facts").get(
                self.__dict__, _OF_ROUTE, lambda: self._facts_of(self.route())
            )
            return facts
        return self._facts_of(self.route(model))

    def _facts_of(self, route: Route) -> ModelFacts:
        facts = common_facts([find_facts(name, provider, self.family_for(name)) for provider, name in route.targets])
        dropped: dict[str, Any] = {field: False for field, name in _CARRIED.items() if not carries(route, name)}
        return replace(facts, **dropped)

    def knows_json_mode(self, model: str | None = None) -> bool:
        """Tell whether ``response_format`` of type ``json_object`` reaches everyone who may answer a call."""
        route = self.route(model)
        return not (route.is_claude or route.falls_on_claude) and carries(route, "response_format")

    def may_force_tools(self, parameters: Mapping[str, Any]) -> bool:
        """Tell whether a ``tool_choice`` can make the model of a call use a tool.

        Args:
            parameters: those of the call, beside the model's own.
        """
        model = str(parameters.get("model") or self.model)
        route = self.route(model)
        claudes = route.claudes(model)
        if route.api_format == "chat_completions" and not carries(route, "tools", "tool_choice"):
            return False
        if not claudes:
            return True
        asked = {"thinking": self.thinking, "reasoning_effort": self.reasoning_effort, **parameters}
        if route.api_format == "messages":
            asked = with_shown_thoughts(asked, claudes)
        return may_force_tools(claudes, asked["thinking"])

    def request(self, messages: list[Message], parameters: Mapping[str, Any]) -> ChatRequest:
        """Build a request from encoded messages, the model's own parameters, and those of this call, which win."""
        fields = self.__dict__
        own = {name: value for name in _PARAMETERS if (value := fields.get(name)) is not None}
        request = without_empty({"model": self.model, "messages": messages, **own, **with_one_name(parameters)})
        if "tool_choice" in request:
            request["tool_choice"] = encode_tool_choice(request["tool_choice"])
        return cast("ChatRequest", request)
