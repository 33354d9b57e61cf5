"""The recorder's commands.

The top of the recorder: imports all of it when a command runs.
"""
