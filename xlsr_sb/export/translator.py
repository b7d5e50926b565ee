"""A trained translator with its tokeniser: waveforms to texts of another language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from xlsr_sb.checkpoints.hub import locate
from xlsr_sb.data.subwords import (
    MBART_CODES,
    RELEASED_TARGETS,
    SubwordTokeniser,
    language_token,
)
from xlsr_sb.errors import InputError
from xlsr_sb.export.runs import CHECKPOINTS
from xlsr_sb.export.translation_runs import read_translation_run
from xlsr_sb.translation import SpeechTranslator
from xlsr_sb.translation.stored import STORED, StoredTranslator

SEARCH = {"beam_size": 5, "max_tokens": 200, "length_penalty": 1.0}
SEARCH |= {"no_repeat_ngram": 0}  # of a model that does not say how it was scored
EVERY = "22-to-16"  # released model with all targets


@dataclass(frozen=True)
class Translator:
    """A model, its tokeniser, the languages that it writes, and how they are searched.

    Parameters
    ----------
    model : SpeechTranslator
    tokeniser : SubwordTokeniser
        Its ids are the model's.
    targets : mapping of str to int
        Id that a translation into each language starts with.
    search : mapping
        Options of ``SpeechTranslator.generate``.

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> from xlsr_sb.data.subwords import train_tokeniser
    >>> from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
    >>> tokeniser = train_tokeniser(["yes", "no"], num_pieces=9, languages=["en"])
    >>> sizes = {"num_layers": 1, "vocab_size": tokeniser.vocab_size}
    >>> head = TranslationHead(384, TranslatorConfig.preset("small", **sizes))
    >>> model = SpeechTranslator(XLSR(XLSRConfig.preset("tiny", num_layers=1)), head)
    >>> targets = tokeniser.target_ids(["en"])
    >>> translator = Translator(model, tokeniser, targets, {"max_tokens": 4})
    >>> waveforms = [torch.randn(16_000), torch.randn(700)]
    >>> len(translator.translate(waveforms, to="en"))
    2
    """

    model: SpeechTranslator
    tokeniser: SubwordTokeniser
    targets: Mapping[str, int]
    search: Mapping[str, object]

    def __post_init__(self) -> None:
        """Leave training mode, and refuse a tokeniser of another model."""
        self.model.eval()
        known, needed = self.tokeniser.vocab_size, self.model.head.config.vocab_size
        if known != needed:
            raise InputError(
                f"{self.tokeniser.source}: this tokeniser has {known} ids, the model "
                f"{needed}; put the model's own beside it"
            )

    def to(self, device: str | torch.device) -> "Translator":
        """Move to a device."""
        self.model.to(device)
        return self

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.model.encoder.mask_embedding.device

    def language(self, wanted: str | None = None) -> str:
        """Name of a language that the model writes.

        Parameters
        ----------
        wanted : str, optional
            As ``sv``, ``sv-SE`` or ``sv_SE``; needed if there are several.

        Raises
        ------
        InputError
            If it is none of them, or missing where there are several.
        """
        if wanted is None and len(self.targets) == 1:
            return next(iter(self.targets))
        if wanted is not None:
            token = language_token(wanted)
            for name in self.targets:
                if wanted == name or language_token(name) == token:
                    return name
        said = "no language was named" if wanted is None else f"not into {wanted!r}"
        raise InputError(
            f"this model translates into {', '.join(sorted(self.targets))}; {said}"
        )

    def translate(self, waveforms: Sequence[Tensor], *, to: str) -> list[str]:
        """Translation of each waveform; the same alone and in any batch.

        Parameters
        ----------
        waveforms : sequence of Tensor [T]
            Samples at 16 kHz, 400 at least.
        to : str
            Language; see ``language``.

        Returns
        -------
        list of str
        """
        if not waveforms:
            return []
        batch = pad_sequence(list(waveforms), batch_first=True)
        lengths = torch.tensor([len(one) for one in waveforms], dtype=torch.float64)
        found = self.model.generate(
            batch.to(self.device),
            lengths.to(self.device) / batch.shape[1],
            prefix_tokens=[self.targets[self.language(to)]],
            **self.search,
        )
        return list(map(self.tokeniser.decode, found))


def load_translator(source: str | Path) -> Translator:
    """Translator of a run, an exported folder or a released checkpoint, on the CPU.

    Parameters
    ----------
    source : str or Path
        A run's folder (its best checkpoint is taken); one that ``xlsr-sb export`` made
        of it; a folder or hub id of transformers' ``SpeechEncoderDecoderModel`` with
        its tokeniser. Of the latter the targets are those of ``RELEASED_TARGETS`` that
        its name tells (``...-21-to-en``), all 16 if it does not, or the tokeniser's own
        languages, if they are not mBART-50's.

    Raises
    ------
    InputError
        If it is none of these, or a file is missing or damaged.

    Example
    -------
    >>> load_translator("nowhere")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: source 'nowhere' does not exist
    """
    folder = Path(source)
    if (folder / CHECKPOINTS).is_dir():
        model, tokeniser, stored, _ = read_translation_run(folder)
        return Translator(model, tokeniser, stored.targets, SEARCH | stored.search)
    folder = locate(source)
    model = SpeechTranslator.from_pretrained(source)
    tokeniser = SubwordTokeniser.load(folder)
    if (folder / STORED).exists():
        stored = StoredTranslator.load(folder)
        return Translator(model, tokeniser, stored.targets, SEARCH | stored.search)
    return Translator(model, tokeniser, _targets(str(source), tokeniser), SEARCH)


def _targets(source: str, tokeniser: SubwordTokeniser) -> dict[str, int]:
    """Languages that somebody else's model writes."""
    if tokeniser.languages != MBART_CODES:
        return {one: tokeniser.target_id(one) for one in tokeniser.languages}
    name = next(
        (one for one in RELEASED_TARGETS if source.rstrip("/").endswith(one)), EVERY
    )
    return tokeniser.target_ids(RELEASED_TARGETS[name], released=True)
