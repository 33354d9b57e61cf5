"""Values over recorded steps: time axes, frames, distributions, norms."""
