"""One recording under way: which steps, into which run, at which cost.

Knows no framework: the model is what `recorder.backend` says. Imports probes, schedules, scopes
and the store.
"""
