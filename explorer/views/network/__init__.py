"""Views of all layers at once."""
