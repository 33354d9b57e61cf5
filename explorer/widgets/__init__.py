"""What moves in the browser while the slider does: small components, each with its script.

They meet in one clock a page (``clock.js``), without the server. Nothing here reads a run.
"""
