"""What is done with whole runs: verify, crop, share, describe, estimate.

Imports all that is below; the commands import it.
"""
