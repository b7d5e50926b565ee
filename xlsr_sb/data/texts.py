"""Texts without speech: batches of noisy ones beside what they were."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from xlsr_sb.data.denoising import TextNoise
from xlsr_sb.data.sampling import UpdatePlan
from xlsr_sb.data.subwords import SubwordTokeniser
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance

Request = int | tuple[int, int, int]  # a text, or with epoch and place in it


@dataclass(frozen=True, slots=True)
class Text:
    """A text in a language.

    Parameters
    ----------
    language, text : str
    id : str
    """

    language: str
    text: str
    id: str


def texts_of(utterances: Iterable[Utterance]) -> list[Text]:
    """Transcripts and translations, each text of a language once.

    Parameters
    ----------
    utterances : iterable of Utterance

    Raises
    ------
    InputError
        If a transcript has no language, or there is no text.

    Example
    -------
    >>> clips = [Utterance("a", "a.wav", 1.0, language="fr", wrd="oui ",
    ...                    translations={"en": "yes"}),
    ...          Utterance("b", "b.wav", 1.0, language="fr", wrd="oui")]
    >>> [(one.id, one.text) for one in texts_of(clips)]
    [('a:fr', 'oui'), ('a:en', 'yes')]
    """
    found: dict[tuple[str, str], Text] = {}
    for one in utterances:
        for language, written in ((one.language, one.wrd), *one.translations.items()):
            text = " ".join(written.split())
            if text and not language:
                raise InputError(
                    f"utterance {one.id!r} has a transcript, but no language; fill "
                    "the column language"
                )
            if text:
                name = f"{one.id}:{language}"
                found.setdefault((language, text), Text(language, text, name))
    if not found:
        raise InputError("the manifest has no text to learn from")
    return list(found.values())


def key_of(text: str) -> bytes:
    """What two spellings of a sentence have in common: their letters and figures.

    Example
    -------
    >>> key_of("Yes, sir!") == key_of("yes sir"), key_of("yes") == key_of("no")
    (True, False)
    """
    letters = "".join(letter for letter in text.casefold() if letter.isalnum())
    return hashlib.sha256((letters or text).encode()).digest()


@dataclass(eq=False)
class TextBatch:
    """Some texts: noisy, and as they are.

    Axes: B texts, S tokens of a noisy one, U tokens of one as it is.

    Parameters
    ----------
    texts : tuple of B Text
    sources : LongTensor [B, S]
        Zeros after the tokens of each.
    num_sources : LongTensor [B]
    targets : LongTensor [B, U]
        Zeros after the tokens of each.
    num_targets : LongTensor [B]
    """

    texts: tuple[Text, ...]
    sources: Tensor
    num_sources: Tensor
    targets: Tensor
    num_targets: Tensor

    @property
    def ids(self) -> list[str]:
        """Ids of the texts."""
        return [text.id for text in self.texts]

    @property
    def num_seconds(self) -> float:
        """Speech in the batch: none."""
        return 0.0

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)

    def to(
        self, device: torch.device | str, *, non_blocking: bool = False
    ) -> "TextBatch":
        """Return the batch with its tensors on a device."""
        return self._with(lambda one: one.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "TextBatch":
        """Return the batch in page-locked memory."""
        return self._with(Tensor.pin_memory)

    def _with(self, move: Callable[[Tensor], Tensor]) -> "TextBatch":
        """Batch whose tensors have been moved."""
        names = ("sources", "num_sources", "targets", "num_targets")
        return replace(self, **{name: move(getattr(self, name)) for name in names})


class NoisyPlan(UpdatePlan):
    """A plan whose texts come with the epoch and the place in it, for their noise.

    Its lengths are in tokens, and so are its ``seconds``.

    Example
    -------
    >>> plan = NoisyPlan([9, 7], seconds_per_update=9, seconds_per_device=9, seed=1)
    >>> plan.epoch(3)
    [[[(1, 3, 0)]], [[(0, 3, 1)]]]
    """

    def _requests(self, order: np.ndarray, epoch: int) -> list[tuple[int, int, int]]:
        """Index, epoch and place of each text of the epoch."""
        return [(index, epoch, place) for place, index in enumerate(order.tolist())]


class NoisyTexts(Dataset):
    """Batches of texts, asked for by index, epoch and place, as ``NoisyPlan`` has them.

    The noise depends on the seed, the epoch and the place. Asked for an index alone, it
    is the same every time.

    Parameters
    ----------
    texts : sequence of Text
    tokeniser : SubwordTokeniser
    codes : mapping of str to int
        Id that a text of each language starts with.
    noise : TextNoise
    seed : int

    Example
    -------
    >>> from xlsr_sb.data.subwords import train_tokeniser
    >>> tokeniser = train_tokeniser(["a b", "c"], num_pieces=7, languages=["fr", "en"])
    >>> texts = [Text("en", "a b a", "x:en"), Text("fr", "c", "x:fr")]
    >>> codes = tokeniser.target_ids(["en", "fr"])
    >>> noisy = NoisyTexts(texts, tokeniser, codes, noise=TextNoise(), seed=1)
    >>> batch = noisy[[(0, 5, 0), (1, 5, 1)]]
    >>> first, _ = batch.targets.tolist()
    >>> first[0] == codes["en"], tokeniser.decode(first)
    (True, 'a b a')
    >>> batch.sources[1].tolist()[:3] == [codes["fr"], tokeniser.mask, tokeniser.eos]
    True
    """

    def __init__(
        self,
        texts: Sequence[Text],
        tokeniser: SubwordTokeniser,
        codes: Mapping[str, int],
        *,
        noise: TextNoise,
        seed: int,
    ) -> None:
        self.texts, self.tokeniser, self.codes = texts, tokeniser, codes
        self.noise, self.seed = noise, seed

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)

    @property
    def durations(self) -> np.ndarray:
        """Tokens of each text as it is, its code and its end among them."""
        lengths = [len(self.tokeniser.encode(one.text)) + 1 for one in self.texts]
        return np.array(lengths, dtype=np.float64)

    def __getitem__(self, requests: Sequence[Request]) -> TextBatch:
        """Texts and their noisy forms, in the order given."""
        texts, sources, targets = [], [], []
        for request in requests:
            is_drawn = isinstance(request, tuple)
            index, epoch, place = request if is_drawn else (request, 0, request)
            text = self.texts[index]
            seed = self.seed if is_drawn else 0
            parts = self.noise(
                text.text, self.noise.random(seed, epoch=epoch, place=place)
            )
            texts.append(text)
            code = self.codes[text.language]
            sources.append([code, *self._noisy(parts), self.tokeniser.eos])
            targets.append([code, *self.tokeniser.encode(text.text)])
        return TextBatch(tuple(texts), *_stacked(sources), *_stacked(targets))

    def _noisy(self, parts: Sequence[str | None]) -> list[int]:
        """Ids of what is left of a text, with masks."""
        ids, run = [], []
        for part in (*parts, None):
            if part is not None:
                run.append(part)
                continue
            ids += [*self.tokeniser.encode(" ".join(run))[:-1], self.tokeniser.mask]
            run = []
        return ids[:-1]  # the last mask only ended the last run


def _stacked(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows of ids as one tensor [B, longest], zeros after each, and their lengths."""
    tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
    lengths = torch.tensor([len(row) for row in rows])
    return pad_sequence(tensors, batch_first=True), lengths
