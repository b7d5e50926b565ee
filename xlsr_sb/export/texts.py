"""The texts of an exported folder: hyperparameters and model card."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from xlsr_sb.checkpoints.huggingface import SIZES
from xlsr_sb.data.text import CHARACTERS, TOKENS
from xlsr_sb.export.transcriber import Transcriber
from xlsr_sb.results import ResultRow, markdown_table

HPARAMS = """\
# A speech recogniser for speechbrain.inference.ASR.EncoderASR; see README.md.
config: !new:xlsr_sb.XLSRConfig
{sizes}

lobe: !new:xlsr_sb.XLSR
    config: !ref <config>

head: !new:xlsr_sb.heads.ctc.CTCHead
    input_dim: {dim}
    num_tokens: {num_tokens}

recogniser: !new:xlsr_sb.export.Recogniser
    encoder: !ref <lobe>
    head: !ref <head>

tokenizer: !new:xlsr_sb.export.Characters
    num_tokens: {num_tokens}

decoding_function: !name:speechbrain.decoders.ctc_greedy_decode
    blank_id: {blank}

modules:
    encoder: !ref <recogniser>

pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        encoder: !ref <lobe>
        head: !ref <head>
        tokenizer: !ref <tokenizer>
"""

CARD = """\
---
library_name: speechbrain
pipeline_tag: automatic-speech-recognition
{languages}tags: [xls-r, wav2vec2, ctc]
---

# {name}

Speech to text with XLS-R and CTC: {num_parameters:,} parameters, {num_tokens} tokens.
The weights are those of update {update:,}, whose {rate} on the
development set was the lowest of the run.

## Results

{results}

## Use

It needs `xlsr-sb` to be installed, and nothing from a network. In the folder above:

```python
from speechbrain.inference.ASR import EncoderASR

recogniser = EncoderASR.from_hparams(source="{name}")
print(recogniser.transcribe_file("speech.wav"))
```

From the command line, and as the start of another training:

```
xlsr-sb transcribe {name} speech.wav
python train.py hparams/leaf.yaml --encoder.source {name}/encoder
```

{writing}; {unknown} stands for what the recogniser has no
sign for.

## Files

| file | content |
|---|---|
| `hyperparams.yaml` | what SpeechBrain builds |
| `encoder.ckpt`, `head.ckpt`, `tokenizer.ckpt` | what SpeechBrain loads into it |
| `vocabulary.txt` | the tokens, one a line |
| `encoder/` | the encoder alone, as transformers' `Wav2Vec2Model` reads it |
"""

WRITING = {  # by units: what is counted, and how texts look
    CHARACTERS: (
        "character error rate",
        "Text comes in lower case and without punctuation",
    ),
    TOKENS: ("symbol error rate", "Symbols come with spaces between them"),
}


def hyperparameters(transcriber: Transcriber) -> str:
    """YAML text that builds the recogniser from plain sizes.

    Parameters
    ----------
    transcriber : Transcriber

    Returns
    -------
    str

    Example
    -------
    >>> from xlsr_sb.data.text import Vocabulary
    >>> from xlsr_sb.encoder import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.ctc import CTCHead
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> transcriber = Transcriber(encoder, CTCHead(384, 6), Vocabulary.of(["oui"]))
    >>> "num_layers: 1" in hyperparameters(transcriber)
    True
    """
    config = transcriber.encoder.config
    values = {name: getattr(config, name) for name in SIZES}
    lines = (f"    {name}: {yaml_value(value)}" for name, value in values.items())
    return HPARAMS.format(
        sizes="\n".join(lines),
        dim=config.dim,
        num_tokens=len(transcriber.vocabulary),
        blank=transcriber.vocabulary.blank,
    )


def model_card(
    name: str,
    transcriber: Transcriber,
    rows: Sequence[ResultRow],
    *,
    meta: Mapping[str, Any],
) -> str:
    """Markdown text about an exported recogniser.

    Parameters
    ----------
    name : str
        Of the folder.
    transcriber : Transcriber
    rows : sequence of ResultRow
        Results of the run; none if it was not scored.
    meta : mapping
        Of the checkpoint.

    Returns
    -------
    str

    Example
    -------
    >>> from xlsr_sb.data.text import Vocabulary
    >>> from xlsr_sb.encoder import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.ctc import CTCHead
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> transcriber = Transcriber(encoder, CTCHead(384, 6), Vocabulary.of(["oui"]))
    >>> card = model_card("french", transcriber, [], meta={"update": 9})
    >>> card.splitlines()[6]
    '# french'
    """
    modules = (transcriber.encoder, transcriber.head)
    counts = [p.numel() for module in modules for p in module.parameters()]
    not_scored = "The run was not scored on a test set."
    rate, writing = WRITING[transcriber.vocabulary.units]
    return CARD.format(
        name=name,
        languages=_languages(rows),
        num_parameters=sum(counts),
        num_tokens=len(transcriber.vocabulary),
        update=meta["update"],
        results=markdown_table(rows) if rows else not_scored,
        rate=rate,
        writing=writing,
        unknown=transcriber.vocabulary.UNKNOWN,
    )


def _languages(rows: Sequence[ResultRow]) -> str:
    """Line of the card's header with the codes of the languages that were scored."""
    groups = dict.fromkeys(row.group for row in rows)
    codes = [group for group in groups if re.fullmatch("[a-z]{2,3}", group)]
    codes = [f"'{code}'" for code in codes if code != "all"]  # no is false to YAML
    return f"language: [{', '.join(codes)}]\n" if codes else ""


def yaml_value(value: int | tuple[int, ...]) -> str:
    """A size as YAML writes it.

    Example
    -------
    >>> yaml_value((5, 2))
    '[5, 2]'
    """
    return str(list(value) if isinstance(value, tuple) else value)
