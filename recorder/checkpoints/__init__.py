"""Make a run of the checkpoints that a training has left.

It reads the files of Keras and TensorFlow, so it imports `recorder.keras` as well as the recording.
"""
