"""Of recurrent layers: exact states and gates, memory, spectra."""
