"""Views of answers that are no classes: pictures, masks, tags and numbers."""
