"""A card on the page shows one view: its heading, its numbers, its films.

Imports views and widgets; no view imports it.
"""
