"""Predictions: which are right, when that is learned, how confident the network is."""
