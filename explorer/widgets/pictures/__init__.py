"""Widgets that draw frames: grids, maps, the joint pictures."""
