"""Units and layers: what a unit responds to, what is redundant, what is similar."""
