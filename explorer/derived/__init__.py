"""Arrays in, arrays out: what can be computed from a recording.

The lowest floor of the explorer. It knows no run, no file, no drawing library and no framework;
every function can be tested with NumPy alone.
"""
