"""Components that follow the slider in the browser; each has a script.

They share one clock on each page (``clock.js``), without the server. Nothing here reads a run.
"""
