"""What happened in a training, and which of its settings is to blame: detectors and their judge."""
