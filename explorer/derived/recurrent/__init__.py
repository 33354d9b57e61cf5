"""Recurrent layers: exact states and gates, memory, spectra."""
