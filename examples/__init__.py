"""Whole programs, short enough to start one's own from: ``python -m examples.rag_langchain``."""
