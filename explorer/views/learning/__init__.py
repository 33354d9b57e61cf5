"""Views of what was learned, and when."""
