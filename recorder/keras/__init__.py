"""Keras on TensorFlow: the callback, and all that looks into a model.

One backend of the recorder: what `recorder.backend` asks, for Keras models. Imports the recording.
"""
