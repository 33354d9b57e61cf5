"""Where a run is: a directory, a zip file, a server or a bucket.

Gives bytes by name. Imports the format.
"""
