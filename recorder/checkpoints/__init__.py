"""Make a run of the checkpoints that a training has left.

Imports the recording and what looks into a model.
"""
