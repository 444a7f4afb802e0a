"""Run any tile operator over any image."""
