"""Of texts: tokens and the positions that see them, embeddings, what is written on."""
