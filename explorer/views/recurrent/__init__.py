"""Views of recurrent layers: states, gates, memory."""
