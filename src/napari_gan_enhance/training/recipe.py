"""Recipe: every setting of a training in one frozen record."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_gan_enhance.models.discriminator import SMALLEST_IMAGE, DiscriminatorConfig
from napari_gan_enhance.training.losses import Adversary


class Recipe(BaseModel):
    """All settings of a training; written into the checkpoint it makes.

    Parameters
    ----------
    name : str
    architecture, config : str, dict
        The network, when training from scratch.
    low_percentile, high_percentile : float
        Intensity scaling of the sources, when training from scratch.
    steps : int
        Optimizer updates.
    minutes : float or None
        Stop earlier when so much time was spent on updates.
    patch, batch : int
        Side of a patch in pixels; patches in a batch of each device.
    learning_rate, weight_decay : float
        Of AdamW, which without decay is Adam.
    schedule : "cosine", "plateau" or "constant"
        From the rate to zero over the budget; or half of it each time that
        `plateau_patience` validations in a row were not better, down to a tenth.
    plateau_patience : int
    gradient_norm : float or None
        Longer gradients are scaled down to this length.
    precision : "bf16-mixed" or "32-true"
        bfloat16 where it is safe and the device is fast at it, or float32 throughout.
    pixel_loss, pixel_weight : "absolute" or "squared", float
        Mean absolute or mean squared error, and its weight.
    ssim_weight : float
        Weight of 1 - SSIM.
    adversarial_weight : float
        Weight of what the discriminator says; 0 trains without one.
    balance : "losses" or "gradients"
        Whether that weight is one of losses, or says how long the gradient of the
        discriminator in an image is, relative to that of the other losses.
    adversary : "relativistic" or "vanilla"
        Form of the adversarial loss; see `discriminator_loss`.
    discriminator : DiscriminatorConfig
        Its channels are the generator's output channels.
    discriminator_learning_rate : float
    tolerates_dead_discriminator : bool
        Only say that the discriminator says nothing, instead of stopping.
    average_decay : float
        Decay of the exponential moving average of the weights; 0 is no average.
    interpolation : float
        Where the weights that are scored and kept lie between those of the start (0)
        and their average (1); from scratch it is always 1. Few images teach what is
        theirs alone, too: on others, part of the way does better (Wortsman et al.
        (2022), arXiv 2109.01903). The average is kept where it scores clearly higher.
    validation_share, test_share : float
        Share of the fields of view held out to choose the best step, and to report.
    field_pattern : str
        Regular expression of the part of a target's name that is its field of view;
        see `find_pairs`.
    validate_every : int
        Steps between two scores on the validation fields.
    stop_patience : int or None
        Stop after so many validations in a row that were not better.
    seed : int
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    architecture: str = "residual-unet"
    config: dict[str, Any]
    low_percentile: float = Field(3.0, ge=0, lt=100)
    high_percentile: float = Field(99.8, gt=0, le=100)
    steps: int = Field(10_000, ge=1)
    minutes: float | None = Field(None, gt=0)
    patch: int = Field(128, ge=16)
    batch: int = Field(8, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    plateau_patience: int = Field(10, ge=1)
    gradient_norm: float | None = Field(1.0, gt=0)
    precision: Literal["bf16-mixed", "32-true"] = "bf16-mixed"
    pixel_loss: Literal["absolute", "squared"] = "absolute"
    pixel_weight: float = Field(1.0, ge=0)
    ssim_weight: float = Field(0.1, ge=0)
    adversarial_weight: float = Field(0.0, ge=0)
    balance: Literal["losses", "gradients"] = "losses"
    adversary: Adversary = "relativistic"
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    discriminator_learning_rate: float = Field(2e-5, gt=0)
    tolerates_dead_discriminator: bool = False
    average_decay: float = Field(0.999, ge=0, lt=1)
    interpolation: float = Field(1.0, gt=0, le=1)
    validation_share: float = Field(0.1, ge=0, lt=1)
    test_share: float = Field(0.15, ge=0, lt=1)
    field_pattern: str = ""
    validate_every: int = Field(500, ge=1)
    stop_patience: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0, lt=2**64)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Recipe:
        if self.low_percentile >= self.high_percentile:
            raise ValueError("low_percentile must be below high_percentile")
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share and test_share must leave some to train")
        if not (self.pixel_weight or self.ssim_weight or self.adversarial_weight):
            raise ValueError("one of the weights of the losses must be above 0")
        if self.is_adversarial and self.patch < SMALLEST_IMAGE:
            raise ValueError(f"a discriminator needs a patch of {SMALLEST_IMAGE}")
        if self.balance == "gradients" and not (self.pixel_weight or self.ssim_weight):
            raise ValueError("gradients are balanced against a pixel or SSIM loss")
        return self

    def looking_every(self, steps: int) -> Recipe:
        """Return the recipe with validations so often, and patience for as many steps.

        Parameters
        ----------
        steps : int, >= 1
        """
        counts = ("plateau_patience", "stop_patience")
        scaled = {
            name: max(1, round(count * self.validate_every / steps))
            for name in counts
            if (count := getattr(self, name)) is not None
        }
        return self.model_copy(update={"validate_every": steps, **scaled})

    @property
    def is_adversarial(self) -> bool:
        """Whether there is a discriminator."""
        return self.adversarial_weight > 0
