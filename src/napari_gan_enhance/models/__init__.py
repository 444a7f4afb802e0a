"""Networks, their registry, and a loaded generator as a tile operator."""
