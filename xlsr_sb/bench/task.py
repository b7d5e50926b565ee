"""One side doing the work of a case: the same head, loss and optimiser for all."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.bench.cases import NUM_TOKENS, TOKENS_PER_SECOND, WORKS, Case
from xlsr_sb.bench.peaks import MemoryWatch, release_memory
from xlsr_sb.bench.sides import SIDES, Utterances
from xlsr_sb.lengths import SAMPLE_RATE, mask_of

LEARNING_RATE = 1e-5


@dataclass(frozen=True)
class Step:
    """What one call cost.

    Parameters
    ----------
    seconds : float
    peak_bytes : int or None
        Most memory of the process during the call; None where it cannot be known.
    """

    seconds: float
    peak_bytes: int | None


class Task:
    """An encoder with head, loss and optimiser, on one batch.

    Parameters
    ----------
    side : str
        ``ours`` or a peer.
    folder : Path
        Weights of the encoder in transformers' layout.
    case : Case
    device : torch.device

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> folder = getfixture("tmp_path")
    >>> XLSR(XLSRConfig.preset("tiny", num_layers=1)).save_pretrained(folder)
    >>> case = Case("tiny", "bf16", "ramp", "training")
    >>> task = Task("ours", folder, case, torch.device("cpu"))
    >>> task.step().seconds > 0
    True
    """

    def __init__(self, side: str, folder: Path, case: Case, device: torch.device):
        self.work, self.device = WORKS[case.work], device
        self.batch = Utterances.random(case.num_samples, device)
        self.side = SIDES[side](
            folder, self.batch, activation_dropout=self.work.activation_dropout
        )
        self.side.module.train(self.work.trains)
        self.half = case.dtype == "bf16"
        self.targets, self.num_targets = _targets(self.batch)
        if self.work.trains:
            self._start_training()
        self.memory = MemoryWatch(device)

    def _start_training(self) -> None:
        """Make the head and the optimiser."""
        torch.manual_seed(0)
        width = self.features().shape[-1]
        self.head = nn.Linear(width, NUM_TOKENS).to(self.device)
        parameters = [*self.side.module.parameters(), *self.head.parameters()]
        self.trained = [one for one in parameters if one.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=LEARNING_RATE, fused=True)

    def features(self) -> Tensor:
        """Features [B, F, D] in evaluation mode; zeros behind each utterance's own."""
        was_training = self.side.module.training
        self.side.module.eval()
        with torch.inference_mode():
            features = self._encode().float()
        self.side.module.train(was_training)
        is_real = mask_of(self.batch.num_frames, features.shape[1])
        return features.cpu() * is_real[:, :, None]

    def first_update(self) -> tuple[float, float]:
        """Make one update; its loss, and the norm of the gradient of all parameters.

        Memory that later updates find, the optimiser's above all, is taken here.
        """
        loss = self._loss()
        loss.backward()
        gradients = [one.grad for one in self.trained if one.grad is not None]
        norms = torch.stack([gradient.norm() for gradient in gradients])
        self._update()
        return loss.item(), norms.norm().item()

    def settle(self) -> int | None:
        """Give back what is free; bytes of the process that stay, None if unknown."""
        release_memory()
        return self.memory.start()

    def step(self) -> Step:
        """Time one call of the work, and watch the memory that it takes."""
        call = self._train if self.work.trains else self._infer
        self.memory.start()
        begin = time.perf_counter()
        call()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        seconds = time.perf_counter() - begin
        return Step(seconds, self.memory.peak())

    def _infer(self) -> None:
        with torch.inference_mode():
            self._encode()

    def _train(self) -> None:
        self._loss().backward()
        self._update()

    def _update(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _encode(self) -> Tensor:
        """Features in the precision of the case."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            return self.side.forward()

    def _loss(self) -> Tensor:
        """CTC loss, in fp32 for all."""
        log_probs = self.head(self._encode().float()).log_softmax(dim=-1)
        return F.ctc_loss(
            log_probs.transpose(0, 1),
            self.targets,
            self.batch.num_frames,
            self.num_targets,
        )


def _targets(batch: Utterances) -> tuple[Tensor, Tensor]:
    """Random tokens [B, U], about as many as speech has letters, and their numbers."""
    seconds = batch.num_samples / SAMPLE_RATE
    counts = (seconds * TOKENS_PER_SECOND).long().clamp(min=1)
    generator = torch.Generator().manual_seed(1)
    shape = len(counts), int(counts.max())
    tokens = torch.randint(1, NUM_TOKENS, shape, generator=generator)
    return tokens.to(batch.waveforms.device), counts
