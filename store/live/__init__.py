"""The form that is written while a training runs: frames appended in place, commit by commit.

Imports the format and the storage.
"""
