"""Letters from the features of frames: one linear layer, trained with CTC."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from xlsr_sb.data.text import Vocabulary, normalise_text
from xlsr_sb.decoders.greedy import greedy_decode
from xlsr_sb.encoder import XLSR
from xlsr_sb.errors import InputError
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.losses import ctc_loss
from xlsr_sb.manifest import Utterance
from xlsr_sb.metrics import Score, character_errors, constant_output_errors
from xlsr_sb.probe.features import frame_features
from xlsr_sb.probe.lines import ProbeLine
from xlsr_sb.probe.parts import ALL, held_out, places_of_groups

UPDATES = 500
BATCH = 64  # utterances
LEARNING_RATE = 1e-2  # at first; it falls to zero in a line


@dataclass(frozen=True)
class Heard:
    """Some utterances as the linear layer gets them.

    Parameters
    ----------
    utterances : list of B Utterance
        With normalised transcripts.
    features : list of B Tensor [F, D], float16
    """

    utterances: list[Utterance]
    features: list[Tensor]

    def part(self, is_in: Tensor) -> "Heard":
        """Those for which a mask [B] is true."""
        places = is_in.nonzero()[:, 0].tolist()
        return Heard(
            [self.utterances[i] for i in places], [self.features[i] for i in places]
        )


def probe_letters(
    encoder: XLSR,
    train: Sequence[Utterance],
    test: Sequence[Utterance],
    *,
    model: str,
    layers: Sequence[int],
    seed: int,
    updates: int = UPDATES,
) -> Iterator[ProbeLine]:
    """Character errors of a linear layer on frozen features, layer by layer.

    Every layer takes a pass over the audio: the features of all would not fit into
    memory.

    Parameters
    ----------
    encoder : XLSR
        Frozen.
    train, test : sequence of Utterance
        Those without a transcript are left out.
    model : str
        Name of the encoder in the lines.
    layers : sequence of int
        0 is the input of the first layer.
    seed : int
        Of the linear layer, its batches, and the utterances held out of training.
    updates : int
        Of the linear layer.

    Returns
    -------
    iterator of ProbeLine
        The CER of each language of the test set, then that on all. Chance is the best
        text found that ignores the audio.

    Raises
    ------
    InputError
        If no utterance of a split has a transcript.
    """
    train, test = (
        _transcribed(part, split=split)
        for split, part in (("train", train), ("test", test))
    )
    vocabulary = Vocabulary.of(one.wrd for one in train)
    chooses = held_out([one.language for one in train], seed=seed)
    fits = ~chooses
    chooses = chooses if chooses.any() else fits  # too few: all of them decide
    chance = constant_output_errors([one.wrd for one in test]).value
    for layer in layers:
        features = frame_features(encoder, [*train, *test], layer=layer)
        heard = Heard(train, features[: len(train)])
        probe = _Probe.fit(heard.part(fits), vocabulary, seed=seed, updates=updates)
        chosen_by = probe.errors(heard.part(chooses))[ALL].value
        errors = probe.errors(Heard(test, features[len(train) :]))
        for group, places in places_of_groups(test).items():
            yield ProbeLine(
                model,
                layer,
                group,
                errors[group],
                clips=len(places),
                held_out=chosen_by,
                chance=chance if group == ALL else None,
                updates=updates,
            )


class _Probe:
    """A linear layer on standardised features."""

    def __init__(self, head: CTCHead, mean: Tensor, scale: Tensor, tokens: Vocabulary):
        self.head, self.mean, self.scale, self.vocabulary = head, mean, scale, tokens

    @classmethod
    def fit(
        cls, heard: Heard, vocabulary: Vocabulary, *, seed: int, updates: int
    ) -> "_Probe":
        """Train with Adam on random batches."""
        mean, scale = _moments(heard.features)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            probe = cls(CTCHead(len(mean), len(vocabulary)), mean, scale, vocabulary)
        batches = _batches([len(one) for one in heard.features], updates, seed=seed)
        optimiser = torch.optim.Adam(probe.head.parameters(), lr=LEARNING_RATE)
        schedule = torch.optim.lr_scheduler.LinearLR(
            optimiser, 1.0, 1 / updates, total_iters=updates
        )
        for places in tqdm(batches, "fit", updates, unit="update", leave=False):
            optimiser.zero_grad()
            probe._loss(heard, places).backward()
            optimiser.step()
            schedule.step()
        return probe

    def _loss(self, heard: Heard, places: Sequence[int]) -> Tensor:
        """Nats a letter of a batch."""
        texts = [heard.utterances[i].wrd for i in places]
        targets = [torch.tensor(self.vocabulary.encode(text)) for text in texts]
        num_targets = torch.tensor([len(one) for one in targets])
        log_probs, num_frames = self._log_probs([heard.features[i] for i in places])
        loss = ctc_loss(
            log_probs,
            pad_sequence(targets, batch_first=True),
            num_frames=num_frames,
            num_targets=num_targets,
            blank=self.vocabulary.blank,
        )
        return loss.total / num_targets.sum()

    def _log_probs(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Log-probabilities [B, F, V] of some utterances, and their frames [B]."""
        num_frames = torch.tensor([len(one) for one in features])
        rows = pad_sequence(list(features), batch_first=True).float()
        return self.head((rows - self.mean) / self.scale), num_frames

    def errors(self, heard: Heard) -> dict[str, Score]:
        """Character errors of each language, and of all."""
        texts = self.texts(heard)
        return {
            group: character_errors(
                [heard.utterances[i].wrd for i in places], [texts[i] for i in places]
            )
            for group, places in places_of_groups(heard.utterances).items()
        }

    @torch.no_grad()
    def texts(self, heard: Heard) -> list[str]:
        """What is read off every utterance."""
        found = []
        for start in range(0, len(heard.features), BATCH):
            features = heard.features[start : start + BATCH]
            log_probs, num_frames = self._log_probs(features)
            ids = greedy_decode(
                log_probs, num_frames=num_frames, blank=self.vocabulary.blank
            )
            found += [" ".join(self.vocabulary.decode(one).split()) for one in ids]
        return found


def _batches(num_frames: Sequence[int], updates: int, *, seed: int) -> Iterator:
    """Places of as many batches as updates: of about one length, in random order.

    Side by side with the longest of all, most frames would be padding.
    """
    random = torch.Generator().manual_seed(seed)
    lengths = torch.tensor(num_frames)
    while True:
        factors = 0.8 + 0.4 * torch.rand(len(lengths), generator=random)
        batches = (lengths * factors).argsort().split(BATCH)
        for place in torch.randperm(len(batches), generator=random).tolist():
            if not updates:
                return
            updates -= 1
            yield batches[place].tolist()


def _moments(features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean [D] and standard deviation [D] over all frames."""
    count = sum(map(len, features))
    mean = sum(one.double().sum(dim=0) for one in features) / count
    square = sum((one.double() - mean).square().sum(dim=0) for one in features)
    scale = (square / count).sqrt()
    return mean.float(), torch.where(scale > 0, scale, torch.ones_like(scale)).float()


def _transcribed(utterances: Sequence[Utterance], *, split: str) -> list[Utterance]:
    """Utterances that have a transcript, normalised."""
    normalised = [
        replace(one, wrd=normalise_text(one.wrd, one.language)) for one in utterances
    ]
    found = [one for one in normalised if one.wrd]
    if not found:
        raise InputError(
            f"{split}: none of its {len(utterances)} utterances has a transcript; fill "
            "its column `wrd`, or probe the language"
        )
    return found
