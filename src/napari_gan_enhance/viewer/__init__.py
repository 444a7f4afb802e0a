"""napari's model without Qt: layers, what is on screen, manifest hooks."""
