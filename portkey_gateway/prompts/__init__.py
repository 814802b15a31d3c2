"""Portkey's prompt library: prompts rendered and completed, their variables, and what is kept of them."""
