"""Bundled checkpoints and sample images, with their licences."""
