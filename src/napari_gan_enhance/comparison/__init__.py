"""Several methods on the same test fields, side by side."""
