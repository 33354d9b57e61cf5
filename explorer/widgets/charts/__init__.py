"""Widgets that draw curves, points, tables and tokens."""
