"""The texts of an exported translator: hyperparameters and model card."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from xlsr_sb.checkpoints.huggingface import SIZES
from xlsr_sb.export.texts import yaml_value
from xlsr_sb.export.translator import Translator
from xlsr_sb.results import ResultRow, markdown_table

HEAD = ("vocab_size", "dim", "ffn_dim", "num_heads", "num_layers", "max_positions")
HEAD += ("activation", "scale_embeddings", "tied_embeddings", "adaptor_dim")
HEAD += ("adaptor_layers", "adaptor_stride", "bos", "pad", "eos", "start")

HPARAMS = """\
# A speech translator for speechbrain.inference: EncoderDecoderASR in ASR gives texts,
# EncoderDecoderS2UT in ST gives tokens; see README.md.
target: {target}  # language to write; of: {targets}
sample_rate: 16000

encoder_config: !new:xlsr_sb.XLSRConfig
{encoder}

head_config: !new:xlsr_sb.heads.translator.TranslatorConfig
{head}

lobe: !new:xlsr_sb.XLSR
    config: !ref <encoder_config>

head: !new:xlsr_sb.heads.translator.TranslationHead
    encoder_dim: {dim}
    config: !ref <head_config>

translator: !new:xlsr_sb.export.speechbrain_translator.FolderTranslator
    encoder: !ref <lobe>
    head: !ref <head>

tokenizer: !new:xlsr_sb.export.speechbrain_translator.Subwords
    languages: [{languages}]

modules:
    encoder: !new:xlsr_sb.export.speechbrain_translator.MemoryEncoder
        translator: !ref <translator>
    decoder: !new:xlsr_sb.export.speechbrain_translator.SearchDecoder
        translator: !ref <translator>
        target: !ref <target>
        targets:
{codes}
{search}

pretrainer: !new:xlsr_sb.export.speechbrain_translator.FolderPretrainer
    loadables:
        translator: !ref <translator>
        tokenizer: !ref <tokenizer>
    files:
        translator: model.safetensors
        tokenizer: sentencepiece.bpe.model
"""

CARD = """\
---
library_name: transformers
pipeline_tag: translation
{languages}tags: [xls-r, wav2vec2, speech-translation]
---

# {name}

Speech to text in another language, with XLS-R, a length adaptor and a decoder like
mBART's: {num_parameters:,} parameters, {num_subwords:,} subwords. It writes {targets}.
The weights are those of update {update:,}, whose loss a token on the development set
was the lowest of the run.

## Results

{results}

## Use

From the command line:

```
xlsr-sb translate {name} speech.wav --to {target}
```

In Python, with `xlsr-sb` installed:

```python
from xlsr_sb.data.audio import load_audio
from xlsr_sb.export import load_translator

translator = load_translator("{name}")
print(translator.translate([load_audio("speech.wav")], to="{target}"))
```

With transformers alone, on waveforms at 16 kHz of mean 0 and variance 1, one at a time:

```python
from transformers import AutoTokenizer, SpeechEncoderDecoderModel

model = SpeechEncoderDecoderModel.from_pretrained("{name}")
ids = model.generate(waveform[None], forced_bos_token_id={code})  # {target}
tokenizer = AutoTokenizer.from_pretrained("{name}")
print(tokenizer.batch_decode(ids, skip_special_tokens=True))
```

With SpeechBrain, also in batches, and `xlsr-sb` installed:

```python
from speechbrain.inference.ASR import EncoderDecoderASR

model = EncoderDecoderASR.from_hparams(
    source="{name}", overrides={{"target": "{target}"}}
)
print(model.transcribe_file("speech.wav"))
```

## Files

| file | content |
|---|---|
| `config.json`, `model.safetensors` | a `SpeechEncoderDecoderModel` of transformers |
| `generation_config.json` | how transformers searches for translations |
| `translator.json` | how we do, and the codes of the languages |
| `sentencepiece.bpe.model`, `tokenizer*.json` | the subwords |
| `hyperparams.yaml` | what SpeechBrain builds |
"""

PAIR = re.compile(r"([a-z]{2,3}(?:-[A-Za-z]+)?)_([a-z]{2,3}(?:-[A-Za-z]+)?)")


def translator_hyperparameters(translator: Translator) -> str:
    """YAML text that builds a translator from plain sizes.

    Parameters
    ----------
    translator : Translator

    Returns
    -------
    str
    """
    model, targets = translator.model, translator.targets
    head = {name: getattr(model.head.config, name) for name in HEAD}
    head["adaptor_dim"] = model.head.config.memory_dim
    encoder = {name: getattr(model.encoder.config, name) for name in SIZES}
    return HPARAMS.format(
        target=_quoted(next(iter(targets))) if len(targets) == 1 else "null",
        targets=", ".join(sorted(targets)),
        encoder=_lines(encoder, 4),
        head=_lines(head, 4),
        dim=model.encoder.config.dim,
        languages=", ".join(map(_quoted, translator.tokeniser.languages)),
        codes=_lines({_quoted(name): code for name, code in targets.items()}, 12),
        search=_lines(translator.search, 8),
    )


def translator_card(
    name: str,
    translator: Translator,
    rows: Sequence[ResultRow],
    *,
    signatures: Sequence[str],
    meta: Mapping[str, Any],
) -> str:
    """Markdown text about an exported translator.

    Parameters
    ----------
    name : str
        Of the folder.
    translator : Translator
    rows : sequence of ResultRow
        Results of the run; none if it was not scored.
    signatures : sequence of str
        Of sacrebleu, each with the name of its metric.
    meta : mapping
        Of the checkpoint.

    Returns
    -------
    str
    """
    results = "The run was not scored on a test set."
    if rows:
        listed = "\n".join(f"- `{one}`" for one in signatures)
        results = f"{markdown_table(rows)}\n\nSignatures of sacrebleu:\n\n{listed}"
    target, code = next(iter(translator.targets.items()))
    return CARD.format(
        name=name,
        languages=_languages(rows, translator.targets),
        num_parameters=sum(one.numel() for one in translator.model.parameters()),
        num_subwords=translator.tokeniser.vocab_size,
        targets=", ".join(translator.targets),
        update=meta["update"],
        results=results,
        target=target,
        code=code,
    )


def _languages(rows: Sequence[ResultRow], targets: Mapping[str, int]) -> str:
    """Line of the card's header: languages that were heard, then those written."""
    pairs = [found for row in rows if (found := PAIR.fullmatch(row.group))]
    codes = dict.fromkeys([*(pair[1] for pair in pairs), *targets])
    return f"language: [{', '.join(map(_quoted, codes))}]\n"


def _lines(values: Mapping[str, object], indent: int) -> str:
    """A line of YAML for each value."""
    return "\n".join(
        f"{' ' * indent}{name}: {_plain(value)}" for name, value in values.items()
    )


def _plain(value: object) -> str:
    """A value as YAML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else yaml_value(value)


def _quoted(text: str) -> str:
    """Text in quotes: no is false to YAML."""
    return f"'{text}'"
