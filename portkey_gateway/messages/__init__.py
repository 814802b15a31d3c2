"""The other API format: ``POST /messages``, for Claude in full."""
