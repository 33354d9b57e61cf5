"""Replay a recorded training: arrays (`derived`), pictures (`plots`), panes (`views`), the app.

Opening the explorer loads no TensorFlow.
"""
