"""Arrays in, HoloViews out: each function describes one picture, wherever it is shown.

The middle floor of the explorer. It reads no run, knows no widget and no session; the same
element serves the app, a notebook and an export.
"""
