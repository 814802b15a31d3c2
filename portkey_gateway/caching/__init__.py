"""Prompt caching: cache breakpoints found, checked, put and planned."""
