"""Films, figures and numbers: what a view shows, as files to keep."""
