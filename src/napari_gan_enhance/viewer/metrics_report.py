"""A report from the Metrics dock, as one job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.conventions import CONVENTIONS
from napari_gan_enhance.metrics.settings import EvaluateSettings
from napari_gan_enhance.progress import Job, Progress

if TYPE_CHECKING:
    from typing import Any

    from napari_gan_enhance.viewer.metrics_choices import MetricsChoices, ReportChoices

PAGE = "report.html"


def check_report(choices: ReportChoices) -> None:
    """Refuse choices that name no folders or no method.

    Raises
    ------
    InputError
    """
    for name in ("source", "target", "output"):
        if not getattr(choices, name):
            raise InputError(
                f"No folder is chosen for the {name} - sources, targets and the report "
                "have one each - choose it."
            )
    if not choices.methods:
        raise InputError(
            "No method is ticked - at least one is needed, two to be compared - tick "
            "them."
        )


def make_report(
    choices: ReportChoices, scoring: MetricsChoices, *, overwrite: bool
) -> Job[Path]:
    """Run the methods on the folder and write the report.

    Parameters
    ----------
    choices : ReportChoices
    scoring : MetricsChoices
        Of which convention, fit and data range are used.
    overwrite : bool
        Whether an existing report may be replaced; any other folder never is.

    Yields
    ------
    Progress

    Returns
    -------
    Path
        Of the page.
    """
    from napari_gan_enhance.comparison.methods import make_methods
    from napari_gan_enhance.comparison.report import ReportSettings, report
    from napari_gan_enhance.models.settings import EnhanceSettings
    from napari_gan_enhance.optics.settings import PRESETS

    check_report(choices)
    yield Progress(0, 1, "loading the methods")
    optics = _optics(choices)
    deconvolutions = [
        PRESETS["fair"](iterations=n, **optics) for n in choices.iterations
    ]
    methods = make_methods(choices.methods, deconvolutions, EnhanceSettings())
    is_fixed = CONVENTIONS[scoring.convention].is_fixed
    evaluation = EvaluateSettings(
        convention=scoring.convention,
        fit=None if is_fixed or scoring.fit == "both" else scoring.fit,
        data_range=None if is_fixed else scoring.data_range,
    )
    settings = ReportSettings(
        evaluation=evaluation,
        field_pattern=choices.field_pattern,
        shown=choices.shown,
    )
    output = Path(choices.output)
    yield from report(
        Path(choices.source),
        Path(choices.target),
        output,
        methods,
        settings,
        overwrite=overwrite,
    )
    return output / PAGE


def _optics(choices: ReportChoices) -> dict[str, Any]:
    """Return what was typed; the rest is in the files."""
    typed: dict[str, Any] = {
        "numerical_aperture": choices.numerical_aperture,
        "immersion_index": choices.immersion_index,
        "emission_nm": tuple(n for n in choices.emission_nm if n is not None) or None,
    }
    z, y, x = choices.voxel_size_um
    if y is not None and x is not None:
        typed["voxel_size_um"] = (z, y, x)
    return {name: value for name, value in typed.items() if value is not None}
