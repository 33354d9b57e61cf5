"""Questions that are put to a run and answered in words: what happened, where, and why."""
