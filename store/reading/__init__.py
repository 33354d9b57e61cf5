"""Open a run and read it, in either form: arrays, histories, moments.

Imports the format, the storage and the live form.
"""
