"""Films, figures and numbers of views, as files."""
