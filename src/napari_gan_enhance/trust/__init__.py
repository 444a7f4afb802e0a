"""How far a result can be believed: what the optics support, what was made up."""
