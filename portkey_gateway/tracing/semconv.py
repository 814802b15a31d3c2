"""Names of span attributes and their values, all in one place.

``gen_ai.*``: OpenTelemetry's semantic conventions for generative AI, as in opentelemetry-semantic-conventions 0.66b2;
that package calls them incubating and moves them, hence they are not imported from it. ``session.id``, ``user.id``,
``server.*`` and ``http.*``: OpenTelemetry's general conventions. ``input.value``, ``output.value`` and ``llm.*``:
OpenInference (``portkey_gateway.tracing.openinference``). ``portkey.*``: what no convention has a name for.
"""

from typing import Final

OPERATION: Final = "gen_ai.operation.name"
MODEL_OPERATIONS: Final = frozenset({"chat", "text_completion"})
"""What models are asked for; vectors are another matter."""
PROVIDER: Final = "gen_ai.provider.name"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
AGENT_NAME: Final = "gen_ai.agent.name"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
PROMPT_NAME: Final = "gen_ai.prompt.name"
SESSION_ID: Final = "session.id"
"""The conversation, under the name that viewers group by."""
USER_ID: Final = "user.id"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
INPUT_VALUE: Final = "input.value"
OUTPUT_VALUE: Final = "output.value"

REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
REQUEST_STREAM: Final = "gen_ai.request.stream"
OUTPUT_TYPE: Final = "gen_ai.output.type"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds, of streams."""

EMBEDDING_DIMENSIONS: Final = "gen_ai.embeddings.dimension.count"

USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
USAGE_REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"

TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"

RETRIEVAL_QUERY: Final = "gen_ai.retrieval.query.text"
RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"

ERROR_TYPE: Final = "error.type"
EXCEPTION: Final = "exception"
"""The name of the event that holds the attributes below (OpenTelemetry, "Exceptions on spans")."""
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"

STEP: Final = "portkey.step"
"""In such an event: the step that failed, which is folded into the span."""
METADATA: Final = "portkey.metadata"
"""The labels of the run, as ``x-portkey-metadata`` would have them."""
OUTCOME: Final = "portkey.outcome"
"""How a run ended that neither came to its end nor failed: ``cancelled``, ``interrupted``, or ``unfinished``, which was
not over when the export was closed."""
TRACE_ID: Final = "portkey.trace_id"
"""The trace id that the user chose, where it is not in OpenTelemetry's form."""
INSIDE_MODEL: Final = "portkey.inside_model"
"""True for what a model calls of itself on its way to an answer: only the outermost call tells the usage."""
THROUGH_GATEWAY: Final = "portkey.through_gateway"
"""True for a call that the gateway has logged itself: Portkey is told no usage again, it would be priced twice."""
CALL_NAME: Final = "portkey.span_name"
"""The name that the gateway's log has for the call (``x-portkey-span-name``)."""
TARGET_INDEX: Final = "portkey.target_index"
"""Which target of a config answered, such as ``config.targets[0]``."""
CACHE_STATUS: Final = "portkey.cache_status"
"""What the gateway's response cache says: HIT, MISS, DISABLED …"""
RETRY_COUNT: Final = "portkey.retry_count"
"""How often the gateway itself tried again."""
REQUEST_ID: Final = "portkey.request_id"
"""The provider's id of the request."""
STOP_REASON: Final = "portkey.stop_reason"
"""The provider's own word for the finish reason."""
STATUS_CODE: Final = "http.response.status_code"

COST_TOTAL: Final = "llm.cost.total"
"""US dollars; so the next two, for all input and all output."""
COST_INPUT: Final = "llm.cost.prompt"
COST_OUTPUT: Final = "llm.cost.completion"

_PROVIDERS: Final = {
    "amazon_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "azure-ai": "azure.ai.inference",
    "azure-openai": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistral-ai": "mistral_ai",
    "mistralai": "mistral_ai",
    "perplexity-ai": "perplexity",
    "vertex": "gcp.vertex_ai",
    "vertex-ai": "gcp.vertex_ai",
    "x-ai": "x_ai",
    "xai": "x_ai",
}
# Where another model's calls go is told by the headers it sends, or by its host.
_GATEWAY_MARKS: Final = ("x-portkey-", "api.portkey.ai")


def provider_name(name: str) -> str:
    """The conventions' name of a provider (``gen_ai.provider.name``), of the framework's or the gateway's."""
    return _PROVIDERS.get(name, name)


def goes_through_gateway(settings: str) -> bool | None:
    """Whether the calls of a model that is not ours go through the gateway; ``None``, so nothing to say, if not.

    Args:
        settings: what the framework shows of its headers and its host.
    """
    return any(mark in settings.lower() for mark in _GATEWAY_MARKS) or None
