"""The explorer's pages, and the server that shows them.

Stands above sessions, below exports and commands.
"""
