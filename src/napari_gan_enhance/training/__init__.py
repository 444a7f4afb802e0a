"""From paired images to a trained checkpoint."""
