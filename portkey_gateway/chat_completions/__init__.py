"""One API format: ``POST /chat/completions``, for any provider."""
