"""Image files to micrographs and back, with nothing lost on the way."""
