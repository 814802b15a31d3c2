"""``make demo``: the product at work, on the sandbox or on the hosted gateway."""
