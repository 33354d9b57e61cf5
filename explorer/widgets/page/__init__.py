"""Widgets of the page: tabs, headings, choices, the layer graph."""
