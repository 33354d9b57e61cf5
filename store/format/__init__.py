"""What a run is: names, specifications, Zarr documents and the layout of files.

Imports nothing of the store but its errors; reads and writes no file.
"""
