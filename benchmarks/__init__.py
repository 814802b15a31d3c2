"""What a call through each chat model costs the client: ``python -m benchmarks``, ``docs/performance.md``."""
