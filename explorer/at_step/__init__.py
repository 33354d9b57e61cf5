"""The network of a run at any recorded step: new inputs, gradients and edits.

`explorer.network_at` is its door. What Keras must compute has a room of its own, `keras`, which
only the door opens; nothing here imports the recorder.
"""
