"""Whether napari opens TIFF files with this plugin without asking.

napari has a TIFF reader of its own, which drops the voxel size. Where two readers fit,
napari asks, and remembers the answer in its preferences. Only the user changes those.
"""

from __future__ import annotations

from napari.settings import get_settings

PLUGIN = "napari-gan-enhance"
PATTERNS = ("*.tif", "*.tiff", "*.btf", "*.tf8", "*.stk", "*.lsm")
"""File names the plugin's reader is offered for; as in the manifest."""


def is_preferred() -> bool:
    """Return whether every TIFF file opens with this plugin's reader."""
    chosen = get_settings().plugins.extension2reader
    return all(chosen.get(pattern) == PLUGIN for pattern in PATTERNS)


def set_preferred(is_wanted: bool) -> None:
    """Write the choice into napari's preferences; other readers' entries stay."""
    plugins = get_settings().plugins
    others = {
        pattern: reader
        for pattern, reader in plugins.extension2reader.items()
        if not (pattern in PATTERNS and (is_wanted or reader == PLUGIN))
    }
    ours = dict.fromkeys(PATTERNS, PLUGIN) if is_wanted else {}
    plugins.extension2reader = {**others, **ours}
