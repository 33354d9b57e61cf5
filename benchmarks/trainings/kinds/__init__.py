"""The kinds: small trainings, written after public examples. A kind is one function."""
