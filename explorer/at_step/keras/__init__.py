"""What Keras computes of a run. Only the door imports it, and it imports Keras when it is used."""
