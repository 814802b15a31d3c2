"""Texts → vectors: `POST /embeddings`, in batches that each provider takes."""
