"""Keras on TensorFlow: the callback, and all that looks into a model.

The one place that knows the framework. Imports the recording.
"""
