"""The session of one visitor: the selection, the tour of moments, a run that grows.

Imports cards and views; no server.
"""
