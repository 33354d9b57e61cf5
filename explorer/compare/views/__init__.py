"""Pictures of two runs in one: a view a file, found by `base.pair_views`."""
