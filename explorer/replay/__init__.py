"""A run as one HTML file that plays in any browser, without a server and without a network."""
