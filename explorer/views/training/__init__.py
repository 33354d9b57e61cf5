"""Views of how the training went."""
