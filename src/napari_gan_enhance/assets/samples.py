"""Where the sample images lie; their licences and origins stand beside them."""

from __future__ import annotations

from pathlib import Path

from napari_gan_enhance.errors import InputError

FOLDER = Path(__file__).parent / "sample_images"
SUFFIX = ".ome.tif"


def sample_names() -> tuple[str, ...]:
    """Return the names of the sample images in alphabetical order."""
    return tuple(sorted(p.name.removesuffix(SUFFIX) for p in FOLDER.glob("*" + SUFFIX)))


def sample_path(name: str) -> Path:
    """Return the file of a sample image.

    Parameters
    ----------
    name : str
        One of `sample_names`.

    Returns
    -------
    Path
        An OME-TIFF; README.md beside it tells where it comes from.

    Raises
    ------
    InputError
        If there is no such sample.
    """
    if name not in sample_names():
        raise InputError(
            f"There is no sample image {name!r} - there are "
            f"{', '.join(sample_names())} - choose one of them."
        )
    return FOLDER / (name + SUFFIX)
