"""What the decoder of a translator is asked, and what it has to answer.

As mBART's it starts from ``</s>``, and the code of the language comes first::

    inputs    </s>   en_XX   yes   sir
    targets   en_XX  yes     sir   </s>

The code is a target like the others, as in transformers' labels. fairseq can leave it
out of the loss (``--ignore-prefix-size 1``). It is given in decoding, so what was
learnt of it is not used.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xlsr_sb.data.pairs import TranslationPairs
from xlsr_sb.data.subwords import SubwordTokeniser
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance


def translation_of(example: Utterance) -> tuple[str, str]:
    """Target language and text of an example.

    Example
    -------
    >>> clip = Utterance("a:en", "a.wav", 2.0, translations={"en": "yes"})
    >>> translation_of(clip)
    ('en', 'yes')
    """
    ((language, text),) = example.translations.items()
    return language, text


@dataclass(frozen=True)
class TargetEncoder:
    """Ids of an example's translation: code of the language, subwords, end.

    Parameters
    ----------
    tokeniser : SubwordTokeniser
    codes : mapping of str to int
        Id that a translation into each language starts with.

    Example
    -------
    >>> from xlsr_sb.data.subwords import train_tokeniser
    >>> tokeniser = train_tokeniser(["yes", "no"], num_pieces=9, languages=["en", "de"])
    >>> encode = TargetEncoder(tokeniser, tokeniser.target_ids(["en"]))
    >>> ids = encode(Utterance("a:en", "a.wav", 2.0, translations={"en": "yes"}))
    >>> ids[0] == tokeniser.language_id("en"), tokeniser.decode(ids), ids[-1]
    (True, 'yes', 2)
    """

    tokeniser: SubwordTokeniser
    codes: Mapping[str, int]

    def __call__(self, example: Utterance) -> list[int]:
        """Encode the translation of an example."""
        language, text = translation_of(example)
        return [self.codes[language], *self.tokeniser.encode(text)]


def decoder_inputs(targets: Tensor, *, start: int) -> Tensor:
    """What the decoder has read when it is asked for each target.

    Parameters
    ----------
    targets : LongTensor [B, U]
    start : int
        Token before the first one, ``</s>`` in mBART.

    Returns
    -------
    LongTensor [B, U]
        As many are real as of the targets.

    Example
    -------
    >>> decoder_inputs(torch.tensor([[7, 5, 2], [7, 2, 0]]), start=2).tolist()
    [[2, 7, 5], [2, 7, 2]]
    """
    first = targets.new_full((len(targets), 1), start)
    return torch.cat([first, targets], dim=1)[:, :-1]


def without_long_targets(
    pairs: TranslationPairs,
    encode: Callable[[Utterance], Sequence[int]],
    *,
    max_target_tokens: int,
) -> tuple[TranslationPairs, Counter[str]]:
    """Examples that the decoder can learn in one piece, and how many of each pair not.

    Parameters
    ----------
    pairs : TranslationPairs
    encode : callable
        Ids of an example, with code and end.
    max_target_tokens : int
        The code and the end count.

    Returns
    -------
    TranslationPairs, Counter
        The latter by name of the pair, without those that lost nothing.

    Raises
    ------
    InputError
        If none is left.

    Example
    -------
    >>> texts = {"en": "yes", "de": "jawohl"}
    >>> clip = Utterance("a", "a.wav", 2.0, language="fr", translations=texts)
    >>> spelt = lambda one: translation_of(one)[1]
    >>> pairs = TranslationPairs.of([clip])
    >>> kept, dropped = without_long_targets(pairs, spelt, max_target_tokens=5)
    >>> [one.id for one in kept], dropped
    (['a:en'], Counter({'fr_de': 1}))
    """
    lengths = np.array([len(encode(one)) for one in pairs], dtype=np.int64)
    is_short = lengths <= max_target_tokens
    if not is_short.any():
        raise InputError(
            f"all {len(pairs)} translations have more than {max_target_tokens} tokens; "
            f"the shortest has {lengths.min()}: raise data.max_target_tokens"
        )
    return pairs.among(is_short), Counter(pairs.among(~is_short).pair_names)
