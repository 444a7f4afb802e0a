"""Enhance wide-field microscopy images, and judge the result.

Importing the package is cheap: torch, napari and Qt are loaded by what uses them.
"""

__version__ = "0.1.0"
