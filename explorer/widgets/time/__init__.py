"""Widgets of time: the slider, its moments, and what the page's clock tells Python."""
