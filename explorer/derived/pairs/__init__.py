"""Two runs side by side: how times, layers and units correspond, and how they differ.

Beside that, how far they are apart, since when, and which probes they quarrel about. Arrays in,
arrays out, as everywhere on this floor: what is needed of a run comes in as plain values.
"""
