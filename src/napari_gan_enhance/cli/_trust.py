"""`enhance --trust`: the maps of trust as files beside a result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from napari_gan_enhance.cli._existing import holds, provenance_of

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.models.generator import Generator
    from napari_gan_enhance.models.settings import EnhanceSettings
    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.trust.settings import Passes


class TrustFiles:
    """Makes the maps of one result after the other and writes them beside it.

    `cells.ome.tif` gets `cells.expected-error.ome.tif` and so on, one file for each
    map, with the axes and channels of the result.

    Parameters
    ----------
    generator : Generator
    settings : EnhanceSettings
    passes : 0, 4 or 8
    overwrite : bool
        Replace existing files; maps of trust are always replaced.
    """

    def __init__(
        self,
        generator: Generator,
        settings: EnhanceSettings,
        passes: int,
        overwrite: bool,
    ) -> None:
        from napari_gan_enhance.trust.settings import TrustSettings

        self._generator = generator
        self._settings = TrustSettings(passes=cast("Passes", passes), enhance=settings)
        self._overwrite = overwrite

    def check(self, micrograph: Micrograph) -> None:
        """Refuse, before anything is computed, what no maps can be made of."""
        from napari_gan_enhance.trust.assess import check_trust

        check_trust(micrograph, self._generator)

    def write(self, raw: Micrograph, result: Micrograph, output: Path) -> Job[None]:
        """Make and write the maps of one result; say what they tell."""
        from napari_gan_enhance.cli._files import result_array
        from napari_gan_enhance.io.write import write_micrograph
        from napari_gan_enhance.progress import Progress
        from napari_gan_enhance.trust.assess import assess, maps_shape

        shape = maps_shape(result, self._settings)
        with result_array(shape, f"M{result.axes}", output.parent) as target:
            maps = yield from assess(
                raw, result, self._generator, self._settings, target=target
            )
            for name, image in maps.named().items():
                path = beside(output, name)
                replaced = self._overwrite or _is_map(provenance_of(path))
                yield from write_micrograph(path, image, overwrite=replaced)
            for sentence in maps.summary.sentences:
                yield Progress(1, 1, "trust", note=sentence)

    def are_beside(self, output: Path, wanted: Mapping[str, Any]) -> bool:
        """Return whether all maps are there, of the result of such a provenance."""
        from napari_gan_enhance.trust.maps import map_names

        passes = self._settings.passes
        maps = [provenance_of(beside(output, name)) for name in map_names(passes)]
        return all(
            _is_map(told)
            and holds(told.get("trust", {}), {"passes": passes})
            and holds(told.get("parent", {}), wanted)
            for told in maps
        )


def beside(output: Path, name: str) -> Path:
    """Return where a map of a result lies: `cells.expected-error.ome.tif`."""
    from napari_gan_enhance.io.lazy import file_stem

    base = file_stem(output)
    return output.with_name(
        f"{base}.{name.replace(' ', '-')}{output.name.removeprefix(base)}"
    )


def _is_map(told: Mapping[str, Any]) -> bool:
    """Return whether it is that of a map, perhaps of a run that was stopped."""
    return told.get("operation") == "trust"
