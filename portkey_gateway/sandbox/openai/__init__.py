"""An emulated OpenAI: its Chat Completions, Embeddings and Models APIs, answered by rules, on this machine.

It is as strict as the real one, so that a request it takes is a request OpenAI takes.
"""
