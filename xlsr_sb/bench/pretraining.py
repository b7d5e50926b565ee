"""Pretraining in each library: masks, negatives, quantiser and loss of every step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from xlsr_sb.bench.sides import NO_REGULARISATION, NotInstalledError, Utterances
from xlsr_sb.checkpoints import read_checkpoint
from xlsr_sb.encoder import XLSR, XLSRConfig
from xlsr_sb.encoder.masking import time_masks
from xlsr_sb.encoder.packing import Packing
from xlsr_sb.heads.pretraining import PretrainingHead
from xlsr_sb.lengths import mask_of
from xlsr_sb.losses import sample_negatives

WIDTHS = {"tiny": 256, "300m": 768, "1b": 1024, "2b": 1024}  # of codes and targets
MASKS = {"mask_time_prob": 0.65, "mask_time_length": 10, "mask_time_min_spans": 2}
CONFIG = XLSRConfig(**MASKS)  # for masks; the sizes that matter are those of all
SEED = 0  # of masks and negatives that both sides are given


@dataclass(frozen=True)
class PretrainingSide:
    """Encoder, quantiser and projections of one library.

    Parameters
    ----------
    module : Module
    loss : callable
        A step's, in nats a masked frame, with masks and negatives drawn anew.
    given_loss : callable
        Contrastive loss in evaluation mode, where codes are the most likely ones, with
        masks and negatives that are the same on all sides.
    """

    module: nn.Module
    loss: Callable[[], Tensor] = field(repr=False)
    given_loss: Callable[[], Tensor] = field(repr=False)


def new_head(config: XLSRConfig, size: str) -> PretrainingHead:
    """Random head for an encoder, in the widths of the published sizes.

    Parameters
    ----------
    config : XLSRConfig
        Of the encoder.
    size : str

    Example
    -------
    >>> new_head(XLSRConfig.preset("tiny"), "tiny").settings.code_dim
    256
    """
    return PretrainingHead(config, code_dim=WIDTHS[size], target_dim=WIDTHS[size])


def ours(folder: Path, batch: Utterances, size: str) -> PretrainingSide:
    """Our lobe and head on the raw, ragged batch.

    Parameters
    ----------
    folder : Path
        Weights in transformers' layout, with heads.
    batch : Utterances
        Its device is that of the side.
    size : str
        Of the head.

    Returns
    -------
    PretrainingSide

    Example
    -------
    >>> lobe = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> folder = getfixture("tmp_path")
    >>> lobe.save_pretrained(folder, heads=new_head(lobe.config, "tiny").tensors())
    >>> batch = Utterances.random([16_000, 9_000], torch.device("cpu"))
    >>> ours(folder, batch, "tiny").loss().shape
    torch.Size([])
    """
    options = NO_REGULARISATION | MASKS | {"activation_dropout": 0.0}
    lobe = XLSR.from_pretrained(str(folder), freeze_feature_extractor=False, **options)
    head = new_head(lobe.config, size)
    head.load_from(read_checkpoint(str(folder)))
    device = batch.waveforms.device
    module = nn.ModuleDict({"lobe": lobe, "head": head}).to(device)
    given_masks, _ = given(batch)

    def loss_at(masks: Tensor, seed: int | None = None) -> Tensor:
        frames = lobe.encode_masked(batch.waveforms, batch.num_samples, masks)
        if seed is not None:  # in evaluation mode negatives are all that is drawn
            torch.manual_seed(seed)
        return head(frames, update=0).total / len(frames.utterance)

    def loss() -> Tensor:
        packing = Packing.of(batch.num_samples.tolist(), lobe.config, device)
        return loss_at(time_masks(packing, lobe.config))

    def given_loss() -> Tensor:
        settings = head.settings
        head.settings = replace(settings, diversity_weight=0.0)
        with evaluating(module):
            found = loss_at(given_masks, SEED)
        head.settings = settings
        return found

    return PretrainingSide(module, loss, given_loss)


def transformers(folder: Path, batch: Utterances, size: str) -> PretrainingSide:
    """``Wav2Vec2ForPreTraining``, padded; it draws as the example beside it does.

    Arguments as for ``ours``; raises ``NotInstalledError`` where there is no such
    library.
    """
    try:
        from transformers import Wav2Vec2ForPreTraining
    except ImportError as error:
        raise NotInstalledError(f"transformers is not installed ({error})") from error

    device = batch.waveforms.device
    model = Wav2Vec2ForPreTraining.from_pretrained(
        folder,
        attn_implementation="sdpa",
        mask_time_prob=MASKS["mask_time_prob"],
        **dict.fromkeys(DROPOUTS, 0.0),
    ).to(device)
    waveforms = batch.normalised()
    is_real = mask_of(batch.num_samples, waveforms.shape[1]).long().to(device)
    settings = new_head(CONFIG, size).settings
    model.set_gumbel_temperature(settings.temperature(0))
    fixed = [one.to(device) for one in _padded(batch, settings.num_negatives)]

    def outputs(masks: Tensor, negatives: Tensor):
        return model(
            waveforms,
            attention_mask=is_real,
            mask_time_indices=masks,
            sampled_negative_indices=negatives,
        )

    def loss() -> Tensor:
        masks, negatives = _drawn(batch, settings.num_negatives)
        found = outputs(masks.to(device), negatives.to(device)).loss
        return found / int(masks.sum())

    def given_loss() -> Tensor:
        with evaluating(model):
            return outputs(*fixed).contrastive_loss / int(fixed[0].sum())

    return PretrainingSide(model, loss, given_loss)


DROPOUTS = (
    "layerdrop",
    "attention_dropout",
    "hidden_dropout",
    "activation_dropout",
    "feat_proj_dropout",
    "feat_quantizer_dropout",
)


def _drawn(batch: Utterances, num_negatives: int) -> tuple[Tensor, Tensor]:
    """Masks [B, F] and negatives [B, F, K] by transformers' own functions."""
    from transformers.models.wav2vec2 import modeling_wav2vec2 as peer

    shape = len(batch.num_frames), int(batch.num_frames.max())
    masks = peer._compute_mask_indices(
        shape,
        MASKS["mask_time_prob"],
        MASKS["mask_time_length"],
        attention_mask=mask_of(batch.num_frames, shape[1]).long(),
        min_masks=MASKS["mask_time_min_spans"],
    )
    negatives = peer._sample_negative_indices(shape, num_negatives, masks)
    return torch.from_numpy(masks), torch.from_numpy(negatives).long()


def given(batch: Utterances) -> tuple[Tensor, Tensor]:
    """Masks [N] that are the same on all sides, and the utterance [M] of each frame."""
    packing = Packing.of(batch.num_samples.tolist(), CONFIG)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        masks = time_masks(packing, CONFIG)
    return masks.to(batch.waveforms.device), packing.utterance[masks]


def _padded(batch: Utterances, num_negatives: int) -> tuple[Tensor, Tensor]:
    """Masks [B, F] and negatives [B, F, K] of ``given``, as transformers wants them."""
    given_masks, utterance = given(batch)
    torch.manual_seed(SEED)
    rows = sample_negatives(utterance.to(batch.waveforms.device), num_negatives)
    masks = mask_of(batch.num_frames, int(batch.num_frames.max()))
    masks[masks.clone()] = given_masks.cpu()
    places = masks.flatten().nonzero()[:, 0]
    negatives = torch.zeros(masks.numel(), num_negatives, dtype=torch.long)
    negatives[places] = places[rows.cpu()]
    return masks, negatives.view(*masks.shape, num_negatives)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """A module in evaluation mode, and back.

    Example
    -------
    >>> module = nn.Linear(2, 2)
    >>> with evaluating(module):
    ...     module.training
    False
    >>> module.training
    True
    """
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


PRETRAINING_SIDES = {"ours": ours, "transformers": transformers}
