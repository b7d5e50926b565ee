"""What pretraining puts on the encoder: quantiser, projections, and the objective.

Two objectives can be had, each with its weight. The first is XLS-R's: contrastive, with
a term that keeps all codes in use. The second is a masked frame's acoustic unit
(``heads.units``), predicted as in HuBERT (Hsu et al. 2021, arXiv 2106.07447).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.checkpoints.checkpoint import PRETRAINING, Checkpoint
from xlsr_sb.encoder.config import XLSRConfig
from xlsr_sb.encoder.dropout import dropout
from xlsr_sb.encoder.encoded import MaskedFrames
from xlsr_sb.errors import InputError
from xlsr_sb.heads.pretraining_settings import PretrainingSettings
from xlsr_sb.heads.quantizer import GumbelQuantizer
from xlsr_sb.losses import contrastive_loss, sample_negatives

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Objective:
    """Loss of a batch, summed over its masked frames, and what it is made of.

    Parameters
    ----------
    total : Tensor [], float32
        What is minimised.
    sums : dict of str to Tensor []
        Sums over the masked frames: ``masked`` (their number), ``contrastive`` and
        ``unit`` (losses in nats), ``correct`` and ``unit_correct``, ``perplexity`` and
        ``code_perplexity`` (times the frames, so that batches add up). Those of an
        objective without weight are left out.
    """

    total: Tensor
    sums: dict[str, Tensor]


class PretrainingHead(nn.Module):
    """Quantiser and projections of wav2vec 2.0, and a layer that predicts units.

    Parameters
    ----------
    config : XLSRConfig
        Of the encoder.
    num_units : int
        Acoustic units; 0 for none.
    **options
        Fields of ``PretrainingSettings``.

    Raises
    ------
    InputError
        If there is no such option, or it has a value that cannot work.

    Example
    -------
    >>> config = XLSRConfig.preset("tiny", num_layers=1)
    >>> head = PretrainingHead(config, 0, code_dim=16, target_dim=8, num_entries=4)
    >>> owner = torch.zeros(9, dtype=torch.long)
    >>> frames = MaskedFrames(torch.randn(9, 64), torch.randn(9, 384), owner)
    >>> objective = head(frames, update=0)
    >>> objective.total.shape, int(objective.sums["masked"])
    (torch.Size([]), 9)
    """

    def __init__(self, config: XLSRConfig, num_units: int = 0, **options):
        super().__init__()
        self.settings = settings = PretrainingSettings.of(options)
        if bool(settings.unit_weight) != bool(num_units):
            raise InputError(
                f"head: unit_weight {settings.unit_weight} goes with data.num_units "
                f"above 0, and 0 with 0; num_units is {num_units}"
            )
        self.quantizer = GumbelQuantizer(
            config.conv_dims[-1],
            settings.code_dim,
            num_groups=settings.num_groups,
            num_entries=settings.num_entries,
        )
        self.target_projection = nn.Linear(settings.code_dim, settings.target_dim)
        self.context_projection = nn.Linear(config.dim, settings.target_dim)
        self.unit_projection = nn.Linear(config.dim, num_units) if num_units else None

    @property
    def num_negatives(self) -> int:
        """Distractors of each masked frame."""
        return self.settings.num_negatives

    def temperature(self, update: int) -> float:
        """Gumbel temperature of an update, counted from 0."""
        return self.settings.temperature(update)

    def forward(
        self, frames: MaskedFrames, *, update: int, units: Tensor | None = None
    ) -> Objective:
        """Loss of a batch in fp32, whatever surrounds it.

        Without masked frames (every utterance too short for a mask) it is zero.

        Parameters
        ----------
        frames : MaskedFrames
            What the encoder says of M masked frames.
        update : int
            Number of the update, for the temperature.
        units : LongTensor [M], optional
            Acoustic unit of each.
        """
        device = frames.context.device
        total = torch.zeros((), device=device)
        sums = {"masked": total + len(frames.context)}
        with torch.autocast(device.type, enabled=False):
            if self.settings.contrastive_weight:
                total = total + self._contrastive(frames, update, sums)
            if self.settings.unit_weight:
                total = total + self._units(frames, units, sums)
        return Objective(total, sums)

    def _contrastive(self, frames: MaskedFrames, update: int, sums: dict) -> Tensor:
        """Weighted contrastive and diversity loss; adds to ``sums``."""
        settings = self.settings
        features = dropout(
            frames.features.float(), settings.feature_dropout, training=self.training
        )
        quantized = self.quantizer(features, temperature=self.temperature(update))
        count = len(features)
        loss = contrastive_loss(
            self.context_projection(frames.context.float()),
            self.target_projection(quantized.vectors),
            codes=quantized.codes,
            negatives=sample_negatives(frames.utterance, settings.num_negatives),
            utterance=frames.utterance,
            temperature=settings.logit_temperature,
        )
        unused = (settings.num_codes - quantized.perplexity) / settings.num_codes
        sums["contrastive"], sums["correct"] = loss.total.detach(), loss.num_correct
        sums["perplexity"] = quantized.perplexity.detach() * count
        sums["code_perplexity"] = quantized.code_perplexity * count
        diversity = settings.diversity_weight * count * unused
        return settings.contrastive_weight * (loss.total + diversity)

    def _units(self, frames: MaskedFrames, units: Tensor, sums: dict) -> Tensor:
        """Weighted cross-entropy of the units; adds to ``sums``."""
        logits = self.unit_projection(frames.context.float())
        loss = F.cross_entropy(logits, units, reduction="sum")
        sums["unit"] = loss.detach()
        sums["unit_correct"] = (logits.argmax(dim=1) == units).sum()
        return self.settings.unit_weight * loss

    def load_from(self, checkpoint: Checkpoint) -> bool:
        """Take quantiser and projections of a checkpoint, if it has them.

        Returns
        -------
        bool
            False if it is of an encoder alone; then they stay as they are.

        Raises
        ------
        InputError
            If they have other sizes than this head.
        """
        if PRETRAINING not in checkpoint.head_names:
            logger.info("%s has no quantiser; it starts at random", checkpoint.source)
            return False
        found = checkpoint.head(PRETRAINING)
        own = {name: tensor.shape for name, tensor in self.state_dict().items()}
        for name, tensor in found.items():
            if tensor.shape != own[name]:
                raise InputError(
                    f"{checkpoint.source}: {name} is {list(tensor.shape)}, this head's "
                    f"is {list(own[name])}; give head.code_dim, head.target_dim, "
                    "head.num_groups and head.num_entries as the checkpoint has them"
                )
        self.load_state_dict(found, strict=False)
        return True

    def tensors(self) -> Mapping[str, Tensor]:
        """Quantiser and projections under the names that checkpoints have for them."""
        return {
            f"{PRETRAINING}.{name}": tensor
            for name, tensor in self.state_dict().items()
            if not name.startswith("unit_projection")
        }
