"""Traces: where a call stands, its metadata, and spans with their export."""
