"""One side doing the work of a case: the same loss and optimiser for all."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xlsr_sb.bench.cases import NUM_TOKENS, TOKENS_PER_SECOND, WORKS, Case
from xlsr_sb.bench.peaks import MemoryWatch, release_memory
from xlsr_sb.bench.pretraining import PRETRAINING_SIDES, evaluating
from xlsr_sb.bench.sides import SIDES, Utterances
from xlsr_sb.bench.translation import TRANSLATION_SIDES
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


class Task(ABC):
    """A module of one library on one batch: timed, and trained if it has a loss.

    Parameters
    ----------
    case : Case
    device : torch.device

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> folder = getfixture("tmp_path")
    >>> XLSR(XLSRConfig.preset("tiny", num_layers=1)).save_pretrained(folder)
    >>> case = Case("tiny", "bf16", "ramp", "training")
    >>> task = task_of("ours", folder, case, torch.device("cpu"))
    >>> task.step().seconds > 0
    True
    """

    module: nn.Module

    def __init__(self, case: Case, device: torch.device):
        self.work, self.device = WORKS[case.work], device
        self.half = case.dtype == "bf16"
        self.batch = Utterances.random(case.num_samples, device)
        self.memory = MemoryWatch(device)

    @abstractmethod
    def loss(self) -> Tensor:
        """Loss of a step."""

    def first_loss(self) -> Tensor:
        """Loss that is the same on all sides, if the work is."""
        return self.loss()

    def start_training(self, *modules: nn.Module) -> None:
        """Make the optimiser of some modules' parameters."""
        parameters = [one for module in modules for one in module.parameters()]
        self.trained = [one for one in parameters if one.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=LEARNING_RATE, fused=True)

    def first_update(self) -> tuple[float, float]:
        """Make one update; its loss, and the norm of the gradient of all parameters.

        Memory that later updates find, the optimiser's above all, is taken here.
        """
        loss = self.first_loss()
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
        self.memory.start()
        begin = time.perf_counter()
        self.call()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        seconds = time.perf_counter() - begin
        return Step(seconds, self.memory.peak())

    def call(self) -> None:
        """The work."""
        self.loss().backward()
        self._update()

    def _update(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def precision(self) -> torch.autocast:
        """Context of the precision of the case."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half)


class EncoderTask(Task):
    """An encoder alone, or with a linear head and CTC.

    Parameters
    ----------
    side : str
        ``ours`` or a peer.
    folder : Path
        Weights of the encoder in transformers' layout.
    case : Case
    device : torch.device
    """

    def __init__(self, side: str, folder: Path, case: Case, device: torch.device):
        super().__init__(case, device)
        self.side = SIDES[side](
            folder, self.batch, activation_dropout=self.work.activation_dropout
        )
        self.module = self.side.module.train(self.work.trains)
        if self.work.trains:
            self.targets, self.num_targets = _targets(self.batch)
            torch.manual_seed(0)
            width = self.features().shape[-1]
            self.head = nn.Linear(width, NUM_TOKENS).to(device)
            self.start_training(self.module, self.head)

    def features(self) -> Tensor:
        """Features [B, F, D] in evaluation mode; zeros behind each utterance's own."""
        with evaluating(self.module), torch.inference_mode():
            features = self._encode().float()
        is_real = mask_of(self.batch.num_frames, features.shape[1])
        return features.cpu() * is_real[:, :, None]

    def call(self) -> None:
        """Forward alone, unless there is a loss."""
        if self.work.trains:
            super().call()
        else:
            with torch.inference_mode():
                self._encode()

    def loss(self) -> Tensor:
        """CTC loss, in fp32 for all."""
        log_probs = self.head(self._encode().float()).log_softmax(dim=-1)
        return F.ctc_loss(
            log_probs.transpose(0, 1),
            self.targets,
            self.batch.num_frames,
            self.num_targets,
        )

    def _encode(self) -> Tensor:
        """Features in the precision of the case."""
        with self.precision():
            return self.side.forward()


class PretrainingTask(Task):
    """Masked frames told apart, with everything that a step of it draws.

    Parameters
    ----------
    side, folder, case, device
        As for ``EncoderTask``; the weights have heads.
    """

    def __init__(self, side: str, folder: Path, case: Case, device: torch.device):
        super().__init__(case, device)
        self.side = PRETRAINING_SIDES[side](folder, self.batch, case.size)
        self.module = self.side.module.train()
        torch.manual_seed(0)
        self.start_training(self.module)

    def loss(self) -> Tensor:
        """Contrastive loss and diversity."""
        with self.precision():
            return self.side.loss()

    def first_loss(self) -> Tensor:
        """Contrastive loss of masks and negatives that both sides are given."""
        with self.precision():
            return self.side.given_loss()


class TranslationTask(Task):
    """Texts foretold by a decoder that reads what the encoder heard.

    Parameters
    ----------
    side, folder, case, device
        As for ``EncoderTask``; the weights are those of a whole translator.
    """

    def __init__(self, side: str, folder: Path, case: Case, device: torch.device):
        super().__init__(case, device)
        self.side = TRANSLATION_SIDES[side](folder, self.batch)
        self.module = self.side.module.train()
        self.start_training(self.module)

    def loss(self) -> Tensor:
        """Label-smoothed cross-entropy of a token."""
        with self.precision():
            return self.side.loss()


TASKS = {"contrastive": PretrainingTask, "translation": TranslationTask}


def task_of(side: str, folder: Path, case: Case, device: torch.device) -> Task:
    """The task of a case.

    Parameters
    ----------
    side : str
        ``ours`` or a peer.
    folder : Path
        Weights in transformers' layout.
    case : Case
    device : torch.device
    """
    kind = TASKS.get(WORKS[case.work].objective, EncoderTask)
    return kind(side, folder, case, device)


def _targets(batch: Utterances) -> tuple[Tensor, Tensor]:
    """Random tokens [B, U], about as many as speech has letters, and their numbers."""
    seconds = batch.num_samples / SAMPLE_RATE
    counts = (seconds * TOKENS_PER_SECOND).long().clamp(min=1)
    generator = torch.Generator().manual_seed(1)
    shape = len(counts), int(counts.max())
    tokens = torch.randint(1, NUM_TOKENS, shape, generator=generator)
    return tokens.to(batch.waveforms.device), counts
