"""Selection in, pane out: one view a file.

The top floor of the explorer. To add a view, add a module here that defines a `View` and
registers it; the registry finds it, and the app shows it for the layer kinds that it names.
"""
