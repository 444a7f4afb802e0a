"""Richardson-Lucy against other libraries on one simulated volume, time and quality.

    python tests/benchmarks/deconvolution_speed.py --table     # also as Markdown

Beads and a background stand in a scene that is larger than the field, so that there is
light beyond the edges, as there always is. The image is what a wide-field microscope
of NA 1.3 makes of it, with Poisson noise. Each method runs in a process of its own,
the repeats of all methods in turn, and only the call itself is timed: after the
import, with the arrays in memory. Where a library is not installed its row says so:

    pip install --no-deps cubic==0.8.0 RedLionfish==0.10

- memory: largest resident size during the call, above that before it;
- flux: light of the result over light of the image;
- error: of the result against the scene, both under a Gaussian of 1 voxel, root mean
  square over that of the scene; "edge" is what lies within half the PSF of an edge;
- residual: image against the blurred result, away from the edges, root mean square over
  that of the image.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from report import Row, emit, seconds

BUDGET = 2.0
ITERATIONS = 10
MORE = 25  # plain iterations that ten accelerated ones shall be worth
PSF_SHAPE = (17, 31, 31)
VOXEL_UM = (0.3, 0.1, 0.1)
PHOTONS = 3000  # of the brightest bead
BACKGROUND = 5
BEADS = 1e-3  # share of the voxels
MIB = 2**20

OURS = "ours"
REFERENCE = "scikit-image"
METHODS = {
    "floor: 40 cosine transforms": (None, "_floor"),
    OURS: (None, "_ours"),
    "ours, PSF without symmetry": (None, "_ours_lopsided"),
    "ours, accelerated": (None, "_ours_accelerated"),
    f"ours, {MORE} iterations": (None, "_ours_more"),
    "ours, Wiener-Butterworth, 3 iterations": (None, "_ours_wiener_butterworth"),
    "ours, total variation": (None, "_ours_total_variation"),
    REFERENCE: (None, "_scikit_image"),
    "cubic, circular": ("cubic", "_cubic_circular"),
    "cubic, non-circular": ("cubic", "_cubic_padded"),
    "RedLionfish, CPU": ("RedLionfishDeconv", "_redlionfish"),
}
ONCE = ("cubic, circular", "cubic, non-circular")  # too slow to be repeated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=(64, 512, 512))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--table", action="store_true", help="all rows, on stderr")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_and_report(options.child[0], Path(options.child[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        simulate(tuple(options.shape), Path(folder))
        results = measure_all(options.only, Path(folder), options.repeats)
    if options.table:
        sys.stderr.write(as_markdown(results))
    if OURS in results and REFERENCE in results:
        emit(row(results, tuple(options.shape)))


def row(results: dict[str, dict], shape: tuple[int, ...]) -> Row:
    ours, other = results[OURS], results[REFERENCE]
    ratio = other["seconds"] / ours["seconds"]
    is_within = (
        ratio >= BUDGET
        and ours["edge"] < other["edge"]
        and abs(ours["flux"] - 1) <= abs(other["flux"] - 1) + 1e-3
    )
    details = (
        f"{ours['seconds']:.1f} s against {other['seconds']:.1f} s, medians; edge "
        f"error {ours['edge']:.3f} against {other['edge']:.3f}, flux "
        f"{ours['flux']:.4f} against {other['flux']:.4f}, memory {ours['mib']:.0f} "
        f"against {other['mib']:.0f} MiB"
    )
    size = " x ".join(map(str, shape))
    what = f"Richardson-Lucy against scikit-image, {size}, {ITERATIONS} iterations"
    budget = f">= {BUDGET:g}x, equal flux, lower edge error"
    return Row(what, budget, f"{ratio:.1f}x", is_within, details)


def simulate(shape: tuple[int, ...], folder: Path) -> None:
    """Write scene, image and PSF."""
    from scipy.signal import oaconvolve

    from napari_gan_enhance.optics.psf import point_spread_function

    rng = np.random.default_rng(0)
    psf = point_spread_function(
        PSF_SHAPE,
        VOXEL_UM,
        numerical_aperture=1.3,
        immersion_index=1.515,
        emission_nm=520,
    )
    large = tuple(n + p - 1 for n, p in zip(shape, PSF_SHAPE, strict=True))
    scene = np.full(large, BACKGROUND, np.float32)
    beads = rng.random(large, np.float32) < BEADS
    bright = PHOTONS / psf.max()
    scene[beads] += bright * rng.random(int(beads.sum()), np.float32)
    blurred = np.maximum(oaconvolve(scene, psf, mode="valid"), 0)
    np.save(folder / "image.npy", rng.poisson(blurred).astype(np.float32))
    np.save(folder / "psf.npy", psf)
    inner = tuple(slice(p // 2, -(p // 2)) for p in PSF_SHAPE)
    np.save(folder / "scene.npy", scene[inner])


def measure_all(names: list[str], folder: Path, repeats: int) -> dict[str, dict]:
    runs: dict[str, list[dict]] = {name: [] for name in names}
    for repeat in range(repeats):
        for name in names:
            module = METHODS[name][0]
            if (module and not find_spec(module)) or (repeat and name in ONCE):
                continue
            sys.stderr.write(f"  {name} ...\n")
            call = [sys.executable, __file__, "--child", name, folder]
            done = subprocess.run(call, stdout=subprocess.PIPE, check=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
        if not repeat:
            qualities = {n: quality(folder, n) for n in names if runs[n]}
    return {
        name: {
            "seconds": median(r["seconds"] for r in found),
            "mib": max(r["mib"] for r in found),
            **qualities[name],
        }
        for name, found in runs.items()
        if found
    }


def run_and_report(name: str, folder: Path) -> None:
    """Run one method in this process; print time and memory, write the result."""
    import torch

    torch.set_num_threads(psutil.cpu_count(logical=False) or 1)
    image, psf = np.load(folder / "image.npy"), np.load(folder / "psf.npy")
    method = globals()[METHODS[name][1]]
    small = tuple(min(n, 2 * p) for n, p in zip(image.shape, psf.shape, strict=True))
    method(np.ascontiguousarray(image[tuple(map(slice, small))]), psf)  # imports
    results = []
    # The largest size since the start is that of the parent, which simulated.
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    before = psutil.Process().memory_info().rss
    took = seconds(lambda: results.append(method(image, psf)))
    peak = _peak_bytes()
    np.save(_result_path(folder, name), np.asarray(results[0], np.float32))
    report = {"seconds": took, "mib": (peak - before) / MIB}
    sys.stdout.write(json.dumps(report) + "\n")


def quality(folder: Path, name: str) -> dict[str, float]:
    """Return flux, errors and residual of a result; empty for one that has none."""
    from scipy.ndimage import gaussian_filter
    from scipy.signal import oaconvolve

    image, scene, psf = (
        np.load(folder / f"{n}.npy") for n in ("image", "scene", "psf")
    )
    result = np.load(_result_path(folder, name))
    if result.shape != image.shape:
        return {}
    half = tuple(n // 2 for n in psf.shape)
    inside = tuple(slice(h, -h) for h in half)
    error = gaussian_filter(result - scene, 1)
    truth = gaussian_filter(scene, 1)
    edge = np.ones(image.shape, bool)
    edge[inside] = False
    residual = oaconvolve(result, psf, mode="valid") - image[inside]
    return {
        "flux": float(result.sum(dtype=float) / image.sum(dtype=float)),
        "edge": _rms(error[edge]) / _rms(truth[edge]),
        "inner": _rms(error[inside]) / _rms(truth[inside]),
        "residual": _rms(residual) / _rms(image[inside]),
    }


def as_markdown(results: dict[str, dict]) -> str:
    lines = [
        "| method | s | MiB | flux | error, edge | error, inner | residual |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in results.items():
        cells = [f"{found['seconds']:.1f}", f"{found['mib']:.0f}"]
        if "flux" in found:
            cells.append(f"{found['flux']:.4f}")
            cells += [f"{found[key]:.3f}" for key in ("edge", "inner", "residual")]
        lines.append(f"| {' | '.join([name, *cells, *[''] * (6 - len(cells))])} |")
    lines += [
        f"| {name} | not installed | | | | | |"
        for name in METHODS
        if name not in results
    ]
    return "\n".join(lines) + "\n"


def _peak_bytes() -> int:
    """Return the largest resident size since the peak was last cleared (Linux)."""
    status = Path("/proc/self/status").read_text("ascii")
    line = next(row for row in status.splitlines() if row.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=float))))


def _result_path(folder: Path, name: str) -> Path:
    return folder / f"result-{list(METHODS).index(name)}.npy"


def _floor(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    import scipy.fft
    import torch

    work = image.copy()
    given = {"norm": "ortho", "overwrite_x": True, "workers": torch.get_num_threads()}
    for _ in range(2 * ITERATIONS):
        work = scipy.fft.idctn(scipy.fft.dctn(work, **given), **given)
    return work[0]


def _ours(image: np.ndarray, psf: np.ndarray, n: int = ITERATIONS, **given: object):
    from napari_gan_enhance.optics.richardson_lucy import RichardsonLucy

    return RichardsonLucy(psf, n, image_shape=image.shape, **given)(image[None])[0]


def _ours_lopsided(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    """Change one voxel by 1 %: too little for the result, too much for symmetry."""
    psf = psf.copy()
    psf[8, 15, 16] *= 1.01
    return _ours(image, psf)


def _ours_accelerated(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    return _ours(image, psf, algorithm="accelerated")


def _ours_more(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    return _ours(image, psf, MORE)


def _ours_wiener_butterworth(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    return _ours(image, psf, 3, algorithm="wiener-butterworth")


def _ours_total_variation(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    return _ours(image, psf, algorithm="total-variation", spacing=VOXEL_UM)


def _scikit_image(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    from skimage.restoration import richardson_lucy

    return richardson_lucy(image, psf, num_iter=ITERATIONS, clip=False)


def _cubic_circular(image: np.ndarray, psf: np.ndarray, **given: bool) -> np.ndarray:
    from cubic.preprocessing.richardson_lucy_xp import richardson_lucy_xp

    return richardson_lucy_xp(image, psf, ITERATIONS, **given)


def _cubic_padded(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    return _cubic_circular(image, psf, noncirc=True)


def _redlionfish(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    from RedLionfishDeconv import doRLDeconvolutionFromNpArrays

    return doRLDeconvolutionFromNpArrays(image, psf, niter=ITERATIONS, method="cpu")


if __name__ == "__main__":
    main()
