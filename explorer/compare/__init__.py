"""Two runs side by side: one page, one slider, and what differs between them."""
