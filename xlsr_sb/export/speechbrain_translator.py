"""What SpeechBrain's interfaces need of a translator: encoder, decoder, tokeniser."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from speechbrain.utils.checkpoints import mark_as_transfer, register_checkpoint_hooks
from speechbrain.utils.fetching import FetchSource
from speechbrain.utils.parameter_transfer import Pretrainer
from torch import Tensor, nn

from xlsr_sb.checkpoints.huggingface import NAMES
from xlsr_sb.checkpoints.huggingface.translation_names import from_peer
from xlsr_sb.data.subwords import SubwordTokeniser
from xlsr_sb.decoders.autoregressive.beam import beam_search
from xlsr_sb.encoder.pretrained import load_weights
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import mask_of, samples_from_fractions
from xlsr_sb.translation import SpeechTranslator


@register_checkpoint_hooks
class FolderTranslator(SpeechTranslator):
    """A translator whose weights a ``Pretrainer`` takes from transformers' file."""

    @mark_as_transfer
    def load_safetensors(self, path: str | Path) -> None:
        """Take the weights of a file.

        Parameters
        ----------
        path : str or Path
            ``model.safetensors`` of ``save_pretrained``, under any name.
        """
        encoder, head = from_peer(NAMES.present(load_file(path)))
        load_weights(self.encoder, encoder)
        self.head.load_state_dict(head)


class MemoryEncoder(nn.Module):
    """What the decoder reads, called as SpeechBrain calls an encoder.

    Parameters
    ----------
    translator : SpeechTranslator

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
    >>> head = TranslationHead(384, TranslatorConfig.preset("small", num_layers=1))
    >>> model = SpeechTranslator(XLSR(XLSRConfig.preset("tiny", num_layers=1)), head)
    >>> encoder = MemoryEncoder(model.eval())
    >>> memory = encoder(torch.randn(2, 16_000), torch.tensor([1.0, 0.5]))
    >>> memory.shape, num_real(memory).tolist()
    (torch.Size([2, 7, 256]), [7, 3])
    """

    def __init__(self, translator: SpeechTranslator):
        super().__init__()
        self.translator = translator

    def forward(self, wavs: Tensor, wav_lens: Tensor) -> Tensor:
        """Memory [B, M, D] of waveforms [B, T], zeros behind each utterance's own.

        How much of it is real does not follow from ``wav_lens`` and M; the zeros tell.
        """
        num_samples = samples_from_fractions(wav_lens, wavs.shape[1])
        memory, num_memory = self.translator.encode(wavs, num_samples)
        is_real = mask_of(num_memory.to(memory.device), memory.shape[1])
        return memory.where(is_real[..., None], 0.0)


def num_real(memory: Tensor) -> Tensor:
    """How many rows of each utterance stand before its zeros; one at least.

    Parameters
    ----------
    memory : Tensor [B, M, D]
        Of ``MemoryEncoder``.

    Returns
    -------
    LongTensor [B]

    Example
    -------
    >>> memory = torch.tensor([[[0.0, 1.0], [0.0, 0.0], [3.0, 0.0]]]).repeat(2, 1, 1)
    >>> memory[1, 2] = 0.0
    >>> num_real(memory).tolist()
    [3, 1]
    """
    places = torch.arange(1, memory.shape[1] + 1, device=memory.device)
    return (places * memory.ne(0.0).any(dim=-1)).amax(dim=1).clamp(min=1)


class SearchDecoder(nn.Module):
    """Beam search, called as SpeechBrain calls a decoder.

    Parameters
    ----------
    translator : SpeechTranslator
    targets : mapping of str to int
        Id that a translation into each language starts with.
    target : str, optional
        The language that is written; needed if there are several.
    **search
        Options of ``beam_search``.

    Raises
    ------
    InputError
        If the language is none of the targets.

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.translator import TranslationHead, TranslatorConfig
    >>> head = TranslationHead(384, TranslatorConfig.preset("small", num_layers=1))
    >>> model = SpeechTranslator(XLSR(XLSRConfig.preset("tiny", num_layers=1)), head)
    >>> search = {"beam_size": 2, "max_tokens": 5}
    >>> decoder = SearchDecoder(model.eval(), targets={"en": 7}, **search)
    >>> tokens, *_ = decoder(torch.randn(2, 7, 256), torch.ones(2))
    >>> [one[0] for one in tokens]
    [7, 7]
    """

    def __init__(
        self,
        translator: SpeechTranslator,
        *,
        targets: Mapping[str, int],
        target: str | None = None,
        **search,
    ):
        super().__init__()
        self.translator, self.search = translator, search
        if target is not None and target not in targets:
            raise InputError(
                f"target {target!r}: this model translates into "
                f"{', '.join(sorted(targets))}"
            )
        self.targets, self.target = dict(targets), target
        if len(targets) == 1:
            self.target = next(iter(targets))

    def forward(self, memory: Tensor, wav_lens: Tensor) -> tuple:
        """Tokens of each utterance, the code of the language first.

        Parameters
        ----------
        memory : Tensor [B, M, D]
            Of ``MemoryEncoder``.
        wav_lens : Tensor [B]
            Not looked at.

        Returns
        -------
        tuple of (list of list of int, None, None, None)
            As SpeechBrain's searchers return four things.
        """
        del wav_lens
        if self.target is None:
            raise InputError(
                f"this model translates into {', '.join(sorted(self.targets))}; name "
                'one: from_hparams(source=..., overrides={"target": "..."})'
            )
        config = self.translator.head.config
        found = beam_search(
            self.translator.head,
            memory,
            num_real(memory),
            prefix=[self.targets[self.target]],
            start=config.start,
            eos=config.eos,
            **self.search,
        )
        return [list(best.tokens) for best, *_ in found], None, None, None


@register_checkpoint_hooks
class Subwords:
    """A tokeniser that a ``Pretrainer`` loads from sentencepiece's file.

    Parameters
    ----------
    languages : sequence of str
        Tokens of its languages.

    Example
    -------
    >>> from xlsr_sb.data.subwords import train_tokeniser
    >>> tokeniser = train_tokeniser(["yes", "no"], num_pieces=9, languages=["en"])
    >>> tokeniser.save(getfixture("tmp_path"))
    >>> subwords = Subwords(tokeniser.languages)
    >>> subwords.load(getfixture("tmp_path") / "sentencepiece.bpe.model")
    >>> subwords.decode_ids(tokeniser.encode("no yes"))
    'no yes'
    """

    def __init__(self, languages):
        self.languages = tuple(languages)
        self.tokeniser: SubwordTokeniser | None = None

    @mark_as_transfer
    def load(self, path: str | Path) -> None:
        """Read the file, under any name."""
        self.tokeniser = SubwordTokeniser.load(path, languages=self.languages)

    def decode_ids(self, ids) -> str:
        """Text of ids."""
        return self.tokeniser.decode(ids)


class FolderPretrainer(Pretrainer):
    """A ``Pretrainer`` that knows how its files are called in the folder.

    Parameters
    ----------
    loadables : mapping
        Objects by name.
    files : mapping of str to str
        File of each, beside the hyperparameters.
    """

    def __init__(self, loadables: Mapping, files: Mapping[str, str]):
        super().__init__(loadables=loadables)
        self.files = dict(files)

    def collect_files(self, default_source=None, **options):
        """Fetch the files from the folder, or from a hub."""
        for name, file in self.files.items():
            place = default_source
            if isinstance(place, FetchSource):
                self.paths[name] = FetchSource(place[0], f"{place[1]}/{file}")
            else:
                self.paths[name] = f"{place}/{file}"
        return super().collect_files(default_source, **options)
