"""What SpeechBrain's ``EncoderASR`` needs: a module and a tokenizer of its kinds."""

import torch.nn.functional as F
from speechbrain.dataio.encoder import CTCTextEncoder
from torch import Tensor, nn

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.encoder import XLSR
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.lengths import mask_of, samples_from_fractions

NEVER = -1e4  # a log-probability of zero in every floating type; sums stay finite


class Recogniser(nn.Module):
    """Encoder and head as one module, called as SpeechBrain calls an encoder.

    Parameters
    ----------
    encoder : XLSR
    head : CTCHead
        Its token 0 is the blank.

    Example
    -------
    >>> import torch
    >>> from xlsr_sb import XLSRConfig
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1)).eval()
    >>> recogniser = Recogniser(encoder, CTCHead(384, 5))
    >>> recogniser(torch.randn(2, 16_000), torch.tensor([1.0, 0.5])).shape
    torch.Size([2, 50, 5])
    """

    def __init__(self, encoder: XLSR, head: CTCHead):
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, wavs: Tensor, wav_lens: Tensor) -> Tensor:
        """Log-probabilities of the tokens; surely blank after an utterance's frames.

        Who takes the frames of an utterance to be ``round(wav_lens * F)`` is often one
        off. It does no harm here: there is a frame for every hop that was begun, which
        is enough for none to be lost, and those too many say nothing.

        Parameters
        ----------
        wavs : Tensor [B, T]
            Waveforms at 16 kHz.
        wav_lens : Tensor [B]
            Fractions of T that are real.

        Returns
        -------
        Tensor [B, F, V], float32
            F is T / 320, rounded up.
        """
        encoded = self.encoder.encode(
            wavs, samples_from_fractions(wav_lens, wavs.shape[1])
        )
        log_probs = self.head(encoded.features)
        num_hops = -(-wavs.shape[1] // self.encoder.config.hop)
        log_probs = F.pad(log_probs, (0, 0, 0, num_hops - log_probs.shape[1]))
        blank = log_probs.new_full(log_probs.shape[-1:], NEVER)
        blank[Vocabulary.blank] = 0.0
        is_frame = mask_of(encoded.num_frames, num_hops)[..., None]
        return log_probs.where(is_frame, blank)


class Characters(CTCTextEncoder):
    """SpeechBrain's labels of a vocabulary; texts come without spaces at their ends.

    SpeechBrain puts nothing between labels, so symbols come with spaces of their own.

    Parameters
    ----------
    num_tokens : int
        How many there must be once they are loaded.

    Example
    -------
    >>> characters = Characters.of(Vocabulary.of(["oui non"]))
    >>> "".join(characters.decode_ndim([2, 5, 6, 3, 1, 2]))
    'oui⁇'
    """

    def __init__(self, num_tokens: int):
        super().__init__()
        self.expect_len(num_tokens)

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "Characters":
        """Labels under the ids of a vocabulary; the unknown one as it is shown."""
        characters = cls(len(vocabulary))
        characters.blank_label = vocabulary.tokens[vocabulary.blank]
        characters.unk_label = vocabulary.UNKNOWN
        for index, token in enumerate(vocabulary.tokens):
            is_unknown = index == vocabulary.unk
            characters.add_label(characters.unk_label if is_unknown else token)
        return characters

    def decode_ndim(self, x):
        """Labels of ids, nested as they are."""
        labels = super().decode_ndim(x)
        if not isinstance(labels, list):
            return labels
        if " " not in self.lab2ind and all(isinstance(one, str) for one in labels):
            return [part for one in labels for part in (one, " ")][:-1]  # of symbols
        while labels and labels[-1] == " ":
            labels.pop()
        while labels and labels[0] == " ":
            labels.pop(0)
        return labels
