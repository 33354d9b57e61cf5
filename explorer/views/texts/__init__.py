"""Views of texts and embeddings."""
