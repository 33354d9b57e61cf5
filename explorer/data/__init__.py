"""What the explorer reads of a run, and what it derives and keeps.

Imports the store and `explorer.derived`; knows no view, no widget and no picture.
"""
