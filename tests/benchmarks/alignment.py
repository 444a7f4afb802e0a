"""How exactly two images of one field are aligned, and what is refused.

    python tests/benchmarks/alignment.py [--pairs N] [--side N] [--first SEED]
    python tests/benchmarks/alignment.py --simpleitk  (pip install SimpleITK==2.5.7)

Each seed is a field of filaments, of nuclei with chromatin, or of both, drawn twice as
fine as the camera. The fixed image is a confocal-like one (narrow PSF, no haze, 40
photons), the moving one wide-field (NA 0.8 to 1.3, 461 to 565 nm, 10 to 60 % of haze,
30 to 300 photons, another gain and offset, contrast to a power of 0.7 to 1), moved by
up to 20 pixels, 5 degrees and 10 % of scale. The error is that of the corner that is
furthest off, in pixels. Seeds below 1000 served to find the method; from 1000 on they
are reported. Refused must be: noise against noise, and fields of two different seeds.
With --simpleitk the same pairs are aligned by SimpleITK instead, from the centers of
the images, on four levels, by the correlation of what overlaps.
"""

from __future__ import annotations

import argparse
import sys
from statistics import median
from time import perf_counter

import numpy as np
from report import percentile
from scipy import ndimage

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.formation import FormationSettings, form_image
from napari_gan_enhance.optics.transfer import FormationOptics, Haze
from napari_gan_enhance.progress import drain
from napari_gan_enhance.registration.canvas import PlacedImage
from napari_gan_enhance.registration.estimate import AlignSettings, estimate

FINE = 2
"""Object pixels along a camera pixel."""

PIXEL_UM = 0.159

KINDS = ("filaments", "nuclei", "both")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--simpleitk", action="store_true")
    options = parser.parse_args()
    align = aligned_by_simpleitk if options.simpleitk else aligned
    seeds = range(options.first, options.first + options.pairs)
    sys.stdout.write(
        "| field | pairs | corner error, median | 95 % | worst | s per megapixel |"
        " refused |\n|---|---|---|---|---|---|---|\n"
    )
    found = {seed: measured(seed, options.side, align) for seed in seeds}
    for kind in (*KINDS, "all"):
        rows = [v for s, v in found.items() if kind in ("all", KINDS[s % 3])]
        sys.stdout.write(row(kind, rows) + "\n")
    if not options.simpleitk:  # which refuses nothing
        sys.stdout.write(f"\n{unrelated(options.side, options.first)}\n")
    return 0


def row(kind: str, rows: list[tuple[float, float]]) -> str:
    """Return a line of the table."""
    errors = [e for e, _ in rows if np.isfinite(e)]
    refused = len(rows) - len(errors)
    figures = median(errors), percentile(errors, 0.95), max(errors)
    texts = [f"{e:.3f} px" for e in figures]
    speed = median(t for _, t in rows)
    cells = (kind, len(rows), *texts, f"{speed:.2f}", refused)
    return f"| {' | '.join(map(str, cells))} |"


def measured(seed: int, side: int, align) -> tuple[float, float]:
    """Return corner error in pixels and seconds per megapixel of one pair."""
    moving, fixed, true = simulated_pair(seed, side)
    start = perf_counter()
    try:
        found = align(moving, fixed)
    except InputError:
        return float("inf"), (perf_counter() - start) / side**2 * 1e6
    seconds = (perf_counter() - start) / side**2 * 1e6
    ends = np.array([[y, x, 1] for y in (0, side - 1) for x in (0, side - 1)])
    off = (ends @ (found - true).T)[:, :2]
    return float(np.linalg.norm(off, axis=1).max()), seconds


def aligned(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Return the matrix from moving to fixed pixels."""
    found = drain(estimate(placed(moving), placed(fixed), AlignSettings()))
    return found.transform.matrix


def aligned_by_simpleitk(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    import SimpleITK as sitk

    pair = [sitk.GetImageFromArray(x.astype(np.float32)) for x in (fixed, moving)]
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, 300)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([8, 4, 2, 1])
    method.SetSmoothingSigmasPerLevel([4, 2, 1, 0])
    start = sitk.CenteredTransformInitializer(
        *pair,
        sitk.Similarity2DTransform(),
        sitk.CenteredTransformInitializerFilter.GEOMETRY,
    )
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(*pair)
    # Its points are (x, y), and it leads from the fixed image to the moving one.
    origin, down, right = (
        np.array(start.TransformPoint(p)[::-1]) for p in ((0.0, 0), (0.0, 1), (1.0, 0))
    )
    back = np.eye(3)
    back[:2] = np.stack([down - origin, right - origin, origin], axis=1)
    return np.linalg.inv(back)


def unrelated(side: int, first: int) -> str:
    """Return how many pairs that have nothing in common were refused."""
    refused = {"noise": 0, "other fields": 0}
    counts = 6, 6
    for seed in range(first, first + counts[0]):
        rng = np.random.default_rng(seed)
        noise = [rng.poisson(50, (side, side)) for _ in range(2)]
        refused["noise"] += is_refused(*noise)
        one, other = simulated_pair(seed, side), simulated_pair(seed + 3, side)
        refused["other fields"] += is_refused(one[0], other[1])
    return ", ".join(
        f"{name}: {n} of {count} refused"
        for (name, n), count in zip(refused.items(), counts, strict=True)
    )


def is_refused(moving: np.ndarray, fixed: np.ndarray) -> bool:
    try:
        drain(estimate(placed(moving), placed(fixed), AlignSettings()))
    except InputError:
        return True
    return False


def placed(pixels: np.ndarray) -> PlacedImage:
    return PlacedImage(pixels, np.eye(3))


def simulated_pair(seed: int, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return moving image, fixed image, and the matrix between their pixels."""
    rng = np.random.default_rng((2024, seed))
    kind = KINDS[seed % 3]
    # The moved view must not look past the drawing.
    sharp = drawn(kind, int(side * FINE * 1.3) // 2 * 2, rng)
    true = random_move(side, rng)
    views = [view(sharp, side, matrix) for matrix in (true, np.eye(3))]
    aperture = rng.uniform(0.8, 1.3)
    optics = {"emission_nm": rng.choice([461.0, 520.0, 565.0]), "pixel_um": PIXEL_UM}
    wide = FormationSettings(
        optics=FormationOptics(numerical_aperture=aperture, **optics),
        haze=Haze(share=rng.uniform(0.1, 0.6), width_um=rng.uniform(1.0, 4.0)),
        sampling=FINE,
        background=rng.uniform(0, 20),
        photons=rng.uniform(30, 300),
        gain=3.0,
        offset=100.0,
        read_noise=2.0,
        bits=16,
    )
    narrow = FormationSettings(
        optics=FormationOptics(numerical_aperture=1.45, **optics),
        sampling=FINE,
        background=1.0,
        photons=40.0,
        bits=12,
    )
    moving = form_image(views[0] ** rng.uniform(0.7, 1.0), wide, rng=rng)
    return moving, form_image(views[1], narrow, rng=rng), true


def random_move(side: int, rng: np.random.Generator) -> np.ndarray:
    angle = np.deg2rad(rng.uniform(-5, 5))
    scale = rng.uniform(0.9, 1.1)
    heading, length = rng.uniform(0, 2 * np.pi), rng.uniform(0, 20)
    linear = scale * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    center = np.full(2, (side - 1) / 2)
    move = np.eye(3)
    move[:2, :2] = linear
    shift = length * np.array([np.sin(heading), np.cos(heading)])
    move[:2, 2] = center - linear @ center + shift
    return move


def view(sharp: np.ndarray, side: int, matrix: np.ndarray) -> np.ndarray:
    """Return what a camera sees of a drawing, in object pixels."""
    margin = (len(sharp) - side * FINE) / 2
    # Camera pixel i covers the object pixels from FINE i on, moved by the margin.
    onto = np.diag([FINE, FINE, 1.0])
    onto[:2, 2] = margin + FINE / 2 - 0.5
    fine = np.diag([1 / FINE, 1 / FINE, 1.0])
    fine[:2, 2] = 0.5 / FINE - 0.5
    into = onto @ matrix @ fine
    shape = (side * FINE, side * FINE)
    seen = ndimage.affine_transform(
        sharp, into[:2, :2], into[:2, 2], output_shape=shape, mode="nearest"
    )
    return np.clip(seen, 0, None)


def drawn(kind: str, side: int, rng: np.random.Generator) -> np.ndarray:
    image = np.zeros((side, side), np.float32)
    if kind != "nuclei":
        image += 3 * filaments(side, rng)
    if kind != "filaments":
        image += nuclei(side, rng)
    return image


def filaments(side: int, rng: np.random.Generator) -> np.ndarray:
    image = np.zeros((side, side), np.float32)
    for _ in range(10 + side * side // 17_000):
        steps = int(rng.uniform(200, 700))
        bends = np.convolve(rng.normal(0, 0.004, steps), 0.95 ** np.arange(60), "same")
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(bends)
        path = rng.uniform(0, side, (2, 1)) + np.cumsum(
            [np.sin(angles), np.cos(angles)], axis=1
        )
        at = np.round(path).astype(int)
        at = at[:, ((at >= 0) & (at < side)).all(axis=0)]
        np.add.at(image, tuple(at), rng.uniform(0.5, 1.5))
    # 1.2 object pixels: what a cubic spline follows to 1e-3 of the height.
    return ndimage.gaussian_filter(image, 1.2)


def nuclei(side: int, rng: np.random.Generator) -> np.ndarray:
    grain = ndimage.gaussian_filter(rng.standard_normal((side, side)), 3)
    chromatin = np.clip(1 + 0.4 * grain / grain.std(), 0, None)
    rows, columns = np.mgrid[:side, :side]
    image = np.zeros((side, side), np.float32)
    for _ in range(2 + side * side // 75_000):
        center, radii = rng.uniform(0, side, 2), rng.uniform(35, 70, 2)
        turn = rng.uniform(0, np.pi)
        y, x = rows - center[0], columns - center[1]
        along = (y * np.cos(turn) + x * np.sin(turn)) / radii[0]
        across = (x * np.cos(turn) - y * np.sin(turn)) / radii[1]
        edge = np.clip(8 * (along**2 + across**2 - 1), -50, 50)
        image += (0.35 * chromatin / (1 + np.exp(edge))).astype(np.float32)
    return image


if __name__ == "__main__":
    sys.exit(main())
