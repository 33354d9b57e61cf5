"""The form for keeping and sharing: compressed, checksummed, with time-major histories.

Imports what is below, reading too.
"""
