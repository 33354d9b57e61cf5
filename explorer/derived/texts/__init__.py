"""Texts: tokens and the positions that see them, embeddings, and text that is generated."""
