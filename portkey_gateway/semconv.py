"""Names of span attributes, all in one place.

``gen_ai.*``: OpenTelemetry's semantic conventions for generative AI, as in opentelemetry-semantic-conventions 0.66b2;
that package calls them incubating and moves them, hence they are not imported from it. ``input.value`` and
``output.value``: OpenInference, for runs that those conventions have no attribute for.
"""

from typing import Final

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
AGENT_NAME: Final = "gen_ai.agent.name"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"

INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
INPUT_VALUE: Final = "input.value"
OUTPUT_VALUE: Final = "output.value"

REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"

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
"""The name of the event that holds the three attributes below (OpenTelemetry, "Exceptions on spans")."""
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"

METADATA: Final = "portkey.metadata"
"""The labels of the run, as ``x-portkey-metadata`` would have them."""
OUTCOME: Final = "portkey.outcome"
"""``cancelled`` or ``interrupted``: how a run ended that neither came to its end nor failed."""
TRACE_ID: Final = "portkey.trace_id"
"""The trace id that the user chose, where it is not in OpenTelemetry's form."""
THROUGH_GATEWAY: Final = "portkey.through_gateway"
"""True for a call that the gateway has logged itself: no usage is told again, it would be priced twice."""
