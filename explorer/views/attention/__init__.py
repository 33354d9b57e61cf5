"""Views of attention: what each place attends to, and what became of the heads."""
