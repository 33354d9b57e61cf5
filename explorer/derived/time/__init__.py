"""Of any values over recorded steps: time axes, frames, distributions, norms."""
