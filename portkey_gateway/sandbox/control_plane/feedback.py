"""Feedback, checked as Portkey's OpenAPI describes it (`FeedbackRequest`)."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.sandbox.control_plane.errors import invalid

_MOST: Final = 10


def take_feedback(body: Any) -> dict[str, Any]:
    """Check feedback.

    Returns:
        The answer.

    Raises:
        ControlPlaneError: It is none.
    """
    if not isinstance(body, Mapping) or not isinstance(body.get("trace_id"), str) or not body["trace_id"]:
        raise invalid("`trace_id` is required")
    value, weight = body.get("value"), body.get("weight", 1.0)
    if not isinstance(value, int) or isinstance(value, bool) or not -_MOST <= value <= _MOST:
        raise invalid(f"`value` must be an integer from -{_MOST} to {_MOST}")
    if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 <= weight <= 1:
        raise invalid("`weight` must be a number from 0 to 1")
    if not isinstance(body.get("metadata", {}), Mapping):
        raise invalid("`metadata` must be an object")
    return {"status": "success", "message": "Feedback successfully saved", "feedback_ids": [str(uuid.uuid4())]}
