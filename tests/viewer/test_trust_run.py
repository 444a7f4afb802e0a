"""Which layer trust maps are about."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers._layer_actions import _project

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.viewer.layers import METADATA_KEY
from napari_gan_enhance.viewer.trust_run import enhanced_layer, trust_request


def test_projection_of_a_result_is_no_result() -> None:
    viewer = ViewerModel()
    pixels = np.zeros((4, 8, 9), np.float32)
    made = Micrograph(pixels, "ZYX", provenance={"operation": "enhance"})
    result = viewer.add_image(pixels, metadata={METADATA_KEY: made})
    viewer.layers.selection.active = result
    _project(viewer.layers, axis=0, mode="max")
    projection = viewer.layers[-1]
    assert projection.data.shape == (8, 9)
    viewer.layers.selection.active = projection
    assert enhanced_layer(viewer) is result
    with pytest.raises(InputError, match=r"only a part of it .* select that layer"):
        trust_request(viewer, projection, (), "full", "auto")
    viewer.layers.remove(result)
    assert enhanced_layer(viewer) is None
