"""One visitor: what is selected, the tour of moments, a run that grows.

Imports cards and views; no server.
"""
