"""Films as files: a browser to draw, an encoder, a process of its own.

Imports no page.
"""
