"""What an alignment is: a matrix in µm, how it was found, and how good it is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_gan_enhance.errors import FileFormatError, InputError
from napari_gan_enhance.io.atomic import atomic_file
from napari_gan_enhance.registration.refine import TransformKind

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

Found: TypeAlias = Literal["automatic", "landmarks", "by hand"]
Unit: TypeAlias = Literal["µm", "pixel"]

FORMAT = "napari-gan-enhance transform"
VERSION = 1

MOST_SCALE = 100.0
"""Beyond it no two images of one sample differ: a file that says so is damaged."""


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """Where the moving image lies on the fixed one.

    Parameters
    ----------
    matrix : ndarray, shape (3, 3) or (4, 4), float64
        From the moving to the fixed world, homogeneous, (Z,) Y, X in µm.
    kind : "translation", "rigid", "similarity" or "affine"
        What was allowed to change.
    residual_um : float or None, µm
        Root mean square of what is left: of the landmarks, or of the local shifts
        between blocks of the aligned images. None where nothing was measured.
    found : "automatic", "landmarks" or "by hand"
    details : mapping
        Further figures, such as the correlation; JSON values only.
    unit : "µm" or "pixel"
        Of lengths; pixels where no image told their size.

    Raises
    ------
    InputError
        If the matrix is not homogeneous, not finite, or cannot be inverted.
    """

    matrix: NDArray[np.float64]
    kind: TransformKind
    residual_um: float | None = None
    found: Found = "automatic"
    details: Mapping[str, Any] = field(default_factory=dict)
    unit: Unit = "µm"

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape not in ((3, 3), (4, 4)) or not np.isfinite(matrix).all():
            raise InputError(
                f"A matrix of shape {matrix.shape} is no transform - it must be 3 x 3 "
                "or 4 x 4 with finite numbers - check where it came from."
            )
        last = np.eye(len(matrix))[-1]
        sizes = np.linalg.svd(matrix[:-1, :-1], compute_uv=False)
        is_usable = sizes.min() > 1 / MOST_SCALE and sizes.max() < MOST_SCALE
        if not np.allclose(matrix[-1], last) or not is_usable:
            raise InputError(
                f"Matrix {matrix.round(4).tolist()} is no alignment - it must end with "
                f"{last.astype(int).tolist()} and neither flatten nor blow up the "
                "image - check where it came from."
            )
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @property
    def lateral(self) -> NDArray[np.float64]:
        """The part for Y and X, shape (3, 3)."""
        kept = [-3, -2, -1]
        return self.matrix[np.ix_(kept, kept)]

    @property
    def has_z(self) -> bool:
        """Whether it says anything of Z."""
        return len(self.matrix) == 4

    @property
    def z_um(self) -> float:
        """Shift along Z in µm; 0 for planes."""
        return float(self.matrix[0, 3]) if self.has_z else 0.0

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (n, 2) or (n, 3) of the moving world in the fixed one."""
        return np.asarray(points @ self.matrix[:-1, :-1].T + self.matrix[:-1, -1])

    def placed(self, to_world: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where an image of the moving world lies in the fixed world.

        Parameters
        ----------
        to_world : ndarray, shape (n + 1, n + 1)
            From its indices to the moving world; n is 2 or 3.
        """
        return with_axes(self.matrix, len(to_world) - 1) @ to_world

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "matrix": self.matrix.tolist(),
            "axes": "ZYX"[-len(self.matrix) + 1 :],
            "unit": self.unit,
            "kind": self.kind,
            "residual_um": self.residual_um,
            "found": self.found,
            "details": dict(self.details),
        }


def with_axes(matrix: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return a matrix for (Z,) Y, X as one for `count` axes, the last of them.

    Axes that are added stay as they are; Z is dropped where there is none.
    """
    grown, n = np.eye(count + 1), min(count, len(matrix) - 1)
    kept = list(range(-n - 1, 0))
    grown[np.ix_(kept, kept)] = matrix[np.ix_(kept, kept)]
    return grown


def save_transform(
    path: str | os.PathLike[str], transform: Transform, *, overwrite: bool = False
) -> Path:
    """Write a transform as JSON; the file appears when it is complete.

    Raises
    ------
    OutputError
        If the file exists and must stay, or cannot be written.
    """
    content = {"format": FORMAT, "version": VERSION, **transform.as_json()}
    with atomic_file(path, overwrite) as part:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        part.write_text(text, encoding="utf-8")
    return Path(path)


def load_transform(path: str | os.PathLike[str], unit: Unit) -> Transform:
    """Read a transform that `save_transform` wrote.

    Parameters
    ----------
    path : str or path-like
    unit : "µm" or "pixel"
        Of the images that it is for.

    Raises
    ------
    FileFormatError
        If the file cannot be read or holds no transform.
    InputError
        If its lengths are in the other unit.
    """
    name = Path(path).name
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["version"] > VERSION:
            raise FileFormatError(
                f"{name!r} is {content['format']!r}, version {content['version']} - "
                f"{FORMAT!r} up to version {VERSION} can be read - update the program."
            )
        saved = _Saved.model_validate(content)
        found = Transform(
            np.array(saved.matrix, dtype=np.float64),
            saved.kind,
            saved.residual_um,
            saved.found,
            saved.details,
            saved.unit,
        )
    except FileFormatError:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        wrong = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise _no_transform(name, wrong) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _no_transform(name, error) from error
    if found.unit != unit:
        raise InputError(
            f"{name!r} is in units of {found.unit}, the images in units of {unit} - "
            "pixel sizes must be known where they were known when it was found - align "
            "these images anew."
        )
    return found


class _Saved(BaseModel):
    """What a file must hold, beside its format and version."""

    model_config = ConfigDict(allow_inf_nan=False)

    matrix: list[list[float]]
    kind: TransformKind
    residual_um: float | None
    found: Found
    details: dict[str, Any] = {}
    unit: Unit = "µm"


def _no_transform(name: str, wrong: object) -> FileFormatError:
    return FileFormatError(
        f"{name!r} holds no transform ({wrong}) - a JSON file saved by Align or "
        "`align` is needed - choose another file."
    )
