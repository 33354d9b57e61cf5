"""What Keras layers compute: each class is a decorated `LayerOp`, found by `layer_ops`."""
