"""One linear layer with outputs of their own for each language."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from xlsr_sb.errors import InputError
from xlsr_sb.heads.ctc import CTCHead

NEVER = -1e4  # a logit whose probability is zero in fp32; losses stay finite


class LanguageCTCHead(nn.Module):
    """Each utterance is told by the outputs of its language alone.

    Nothing is shared between the languages: this is a ``CTCHead`` for each of them, in
    one layer, so that every parameter has a gradient in every step. What comes out has
    the places of one vocabulary for all; a token that a language does not have is never
    said in it.

    Parameters
    ----------
    rows : CTCHead
        With as many outputs as the languages have tokens together.
    languages : mapping of str to sequence of int
        By language the ids of its tokens in the vocabulary, in the order of its rows.
    num_tokens : int
        Size of the vocabulary (V).

    Example
    -------
    >>> languages = {"de": (0, 1, 3), "fr": (0, 1, 2, 4)}
    >>> head = LanguageCTCHead(CTCHead(16, 7), languages, num_tokens=5)
    >>> log_probs = head(torch.randn(2, 9, 16), languages=["fr", "de"])
    >>> log_probs[:, 0].exp() > 0
    tensor([[ True,  True,  True, False,  True],
            [ True,  True, False,  True, False]])
    """

    def __init__(
        self, rows: CTCHead, languages: Mapping[str, Sequence[int]], *, num_tokens: int
    ):
        super().__init__()
        self.rows = rows
        self.languages = {name: tuple(ids) for name, ids in languages.items()}
        self.code_of = {name: code for code, name in enumerate(languages)}
        # Row of each token, [languages, V]; the one behind the last for none.
        num_rows = rows.projection.out_features
        places = torch.full((len(languages), num_tokens), num_rows)
        start = 0
        for code, ids in enumerate(languages.values()):
            places[code, list(ids)] = torch.arange(start, start + len(ids))
            start += len(ids)
        if start != num_rows:
            raise ValueError(f"the languages have {start} tokens, the head {num_rows}")
        self.register_buffer("places", places, persistent=False)

    def forward(self, features: Tensor, *, languages: Sequence[str]) -> Tensor:
        """Log-probabilities of the tokens at each frame.

        Parameters
        ----------
        features : Tensor [B, F, D], of any floating type
        languages : sequence of B str
            Of the utterances.

        Returns
        -------
        Tensor [B, F, V], float32
            About -1e4 for tokens of other languages.

        Raises
        ------
        InputError
            For a language that it does not have.
        """
        codes = torch.tensor([self._code(name) for name in languages])
        places = self.places[codes.to(self.places.device)]  # [B, V]
        with torch.autocast(features.device.type, enabled=False):
            logits = self.rows.logits(features)
            logits = nn.functional.pad(logits, (0, 1), value=NEVER)
            own = logits.gather(2, places[:, None].expand(-1, logits.shape[1], -1))
            return own.log_softmax(dim=-1)

    def only(self, language: str) -> CTCHead:
        """Ordinary head of one language, with the tokens of its own vocabulary.

        Parameters
        ----------
        language : str

        Raises
        ------
        InputError
            If there is no such language.

        Example
        -------
        >>> head = LanguageCTCHead(CTCHead(16, 3), {"fr": (0, 1, 3)}, num_tokens=4)
        >>> features = torch.randn(1, 9, 16)
        >>> together = head(features, languages=["fr"])
        >>> bool(torch.allclose(head.only("fr")(features), together[..., [0, 1, 3]]))
        True
        """
        code = self._code(language)
        ids = self.languages[language]
        rows = self.places[code, list(ids)]
        projection = self.rows.projection
        head = CTCHead(projection.in_features, len(ids), dropout=self.rows.dropout.p)
        head.to(projection.weight.device)
        with torch.no_grad():
            head.projection.weight.copy_(projection.weight[rows])
            head.projection.bias.copy_(projection.bias[rows])
        return head

    def _code(self, language: str) -> int:
        """Number of a language."""
        if language not in self.code_of:
            raise InputError(
                f"language {language!r}: the head has outputs for "
                f"{', '.join(self.code_of)}"
            )
        return self.code_of[language]
