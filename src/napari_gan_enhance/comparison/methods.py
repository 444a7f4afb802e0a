"""What can be compared: the raw image, Richardson-Lucy, models, finished results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.io.lazy import file_stem
from napari_gan_enhance.io.read import read_single_image
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_gan_enhance.models.settings import EnhanceSettings
    from napari_gan_enhance.models.spec import TrainingData
    from napari_gan_enhance.optics.settings import DeconvolveSettings

Run: TypeAlias = Callable[[Path, Micrograph], Job[Micrograph]]
"""(file of the source, what it holds) -> job that returns the result."""

RAW = "raw"
RICHARDSON_LUCY = "richardson-lucy"


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """One way to get from a source to a result.

    Parameters
    ----------
    name : str
        Shown; no two methods of a comparison share one.
    run : callable
    described : mapping
        What to know to do it again; JSON values.
    trained_on : tuple of TrainingData
        What a model has seen, as its card says.
    """

    name: str
    run: Run
    described: Mapping[str, Any] = field(default_factory=dict)
    trained_on: tuple[TrainingData, ...] = ()


def make_methods(
    wanted: Sequence[str],
    deconvolutions: Sequence[DeconvolveSettings],
    enhancement: EnhanceSettings,
) -> list[Method]:
    """Return the methods that some words name.

    Parameters
    ----------
    wanted : sequence of str
        "raw", "richardson-lucy", the name or file of a model, or NAME=FOLDER for
        results that lie in a folder under the names of their sources.
    deconvolutions : sequence of DeconvolveSettings
        Each makes a method of "richardson-lucy".
    enhancement : EnhanceSettings
        For all models.

    Returns
    -------
    list of Method
        In the order of the words.

    Raises
    ------
    InputError
        If two methods have one name, or a folder does not exist.
    CheckpointError
        If a model does not exist or cannot be loaded.
    """
    methods: list[Method] = []
    for word in wanted:
        if word == RAW:
            methods.append(Method(RAW, _raw, {"operation": RAW}))
        elif word == RICHARDSON_LUCY:
            methods += [_deconvolution(s, deconvolutions) for s in deconvolutions]
        elif "=" in word and not Path(word).exists():
            methods.append(_finished(*word.split("=", 1)))
        else:
            methods.append(_generator(word, enhancement))
    _check_names(methods)
    return methods


def _raw(path: Path, source: Micrograph) -> Job[Micrograph]:
    yield from ()
    return source


def _deconvolution(
    settings: DeconvolveSettings, among: Sequence[DeconvolveSettings]
) -> Method:
    from napari_gan_enhance.optics.deconvolve import deconvolve, identity

    def run(path: Path, source: Micrograph) -> Job[Micrograph]:
        return deconvolve(source, settings)

    number = f" {settings.iterations}" if len(among) > 1 else ""
    return Method(f"{RICHARDSON_LUCY}{number}", run, identity(settings))


def _generator(word: str, settings: EnhanceSettings) -> Method:
    from napari_gan_enhance.checkpoints.load import load_generator
    from napari_gan_enhance.models.enhance import enhance

    generator = load_generator(
        word, device=settings.device, precision=settings.precision
    )

    def run(path: Path, source: Micrograph) -> Job[Micrograph]:
        return enhance(source, generator, settings)

    name = Path(word).name.removesuffix(".safetensors")
    described = {"operation": "enhance", "model": generator.identity}
    return Method(name, run, described, generator.card.training_data)


def _finished(name: str, folder: str) -> Method:
    if not (name and Path(folder).is_dir()):
        raise InputError(
            f"{folder!r} is not a folder - NAME=FOLDER names one that holds finished "
            "results - check the path."
        )

    def run(path: Path, source: Micrograph) -> Job[Micrograph]:
        stem = file_stem(path)
        found = [p for p in Path(folder).iterdir() if file_stem(p) == stem]
        if len(found) != 1:
            raise InputError(
                f"{folder!r} holds {len(found)} results named {stem!r} - of every "
                "source there must be one, under its name - add or remove files."
            )
        yield from ()
        return read_single_image(found[0])

    return Method(name, run, {"operation": "finished results", "folder": folder})


def _check_names(methods: Sequence[Method]) -> None:
    names = [m.name for m in methods]
    if not names or len(set(names)) < len(names):
        raise InputError(
            f"The methods are {', '.join(map(repr, names)) or 'none'} - there must be "
            "at least one, each under a name of its own - name each once."
        )
