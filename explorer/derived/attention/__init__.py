"""Of attention: what the scores of heads have in common, and when a head began to do what it does.

Scores are (..., query, key): the share that each key has in what a query takes.
"""
