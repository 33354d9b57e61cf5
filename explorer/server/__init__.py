"""The page and the server that shows runs.

The top of the explorer, below exports and commands.
"""
