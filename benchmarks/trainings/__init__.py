"""Kinds of training as public examples have them, and trials of the recorder on each."""
