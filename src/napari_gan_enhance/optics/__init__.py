"""Point spread functions and Richardson-Lucy deconvolution."""
