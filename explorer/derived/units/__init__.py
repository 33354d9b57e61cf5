"""Of units and layers: what a unit answers to, what is redundant, what lies near."""
