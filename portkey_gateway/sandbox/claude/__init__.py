"""An emulated Claude: Anthropic's Messages API, answered by rules, on this machine.

It is as strict as the real one, so that a request it takes is a request Anthropic takes.
"""
