"""Views of the selected layer."""
