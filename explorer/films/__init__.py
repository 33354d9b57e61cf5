"""Films as files: the browser that draws them, the encoder, and the process that makes them.

Imports no module of a page.
"""
