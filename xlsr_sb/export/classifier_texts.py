"""The texts of an exported classifier: hyperparameters and model card."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from xlsr_sb.checkpoints.huggingface import SIZES
from xlsr_sb.export.classifier import UtteranceClassifier
from xlsr_sb.export.classifier_layouts import obstacle
from xlsr_sb.heads.class_file import SPEAKER
from xlsr_sb.heads.classifier_config import WEIGHTED
from xlsr_sb.results import ResultRow, markdown_table

HPARAMS = """\
# A classifier for speechbrain.inference: EncoderClassifier in classifiers tells
# classes, SpeakerRecognition in speaker compares voices; see README.md.
sample_rate: 16000

encoder_config: !new:xlsr_sb.XLSRConfig
{encoder}

head_config: !new:xlsr_sb.heads.classifier_config.ClassifierConfig
{head}

lobe: !new:xlsr_sb.export.speechbrain_classifier.FolderEncoder
    config: !ref <encoder_config>

head: !new:xlsr_sb.heads.embedder.EmbeddingHead
    config: !ref <head_config>
    input_dim: {dim}
    num_states: {num_states}
    num_classes: {num_classes}

label_encoder: !new:xlsr_sb.export.speechbrain_classifier.ClassLabels
    num_classes: {num_classes}

mean_var_norm_emb: !new:xlsr_sb.export.speechbrain_classifier.Unchanged

modules:
    compute_features: !new:xlsr_sb.export.speechbrain_classifier.Unchanged
    mean_var_norm: !new:xlsr_sb.export.speechbrain_classifier.Unchanged
    embedding_model: !new:xlsr_sb.export.speechbrain_classifier.EmbeddingModel
        encoder: !ref <lobe>
        head: !ref <head>
    classifier: !new:xlsr_sb.export.speechbrain_classifier.LogPosteriors
        head: !ref <head>
    mean_var_norm_emb: !ref <mean_var_norm_emb>

pretrainer: !new:xlsr_sb.export.speechbrain_translator.FolderPretrainer
    loadables:
        lobe: !ref <lobe>
        head: !ref <head>
        label_encoder: !ref <label_encoder>
    files:
        lobe: model.safetensors
        head: head.ckpt
        label_encoder: label_encoder.txt
"""

CARD = """\
---
library_name: speechbrain
pipeline_tag: audio-classification
tags: [xls-r, wav2vec2, {tag}]
---

# {name}

Which {kind} is heard, with XLS-R: {num_parameters:,} parameters, {num_classes} classes,
embeddings of {embedding_dim} numbers. The weights are those of update {update:,}, whose
error rate on the development set was the lowest of the run.

## Results

{results}

## Use

It needs `xlsr-sb` to be installed, and nothing from a network. From the command line:

```
xlsr-sb identify {name} speech.wav
```

In Python, with SpeechBrain:

```python
from speechbrain.inference.classifiers import EncoderClassifier

classifier = EncoderClassifier.from_hparams(source="{name}")
log_probs, best, index, label = classifier.classify_file("speech.wav")
embeddings = classifier.encode_batch(waveforms, wav_lens)  # [B, 1, {embedding_dim}]
```

{voices}{peers}

## Files

| file | content |
|---|---|
| `hyperparams.yaml` | what SpeechBrain builds |
| `config.json`, `model.safetensors` | {layout} of transformers |
| `head.ckpt`, `classes.json` | pooling, embedding and classes; their names |
| `label_encoder.txt` | the names as SpeechBrain reads them |
"""

VOICES = """\
Whether two recordings hold one voice:

```
xlsr-sb verify {name} enrolment.wav test.wav
```

```python
from speechbrain.inference.speaker import SpeakerRecognition

voices = SpeakerRecognition.from_hparams(source="{name}")
cosine, _ = voices.verify_files("enrolment.wav", "test.wav")
```

The decision of `SpeakerRecognition` is at a threshold of 0.25, which was chosen for
another model: {threshold}.

"""
CALIBRATED = """\
| `calibration.json` | from cosines to log-likelihood ratios |
"""
WITH_HEAD = """\
With transformers alone, on waveforms at 16 kHz of mean 0 and variance 1:

```python
from transformers import Wav2Vec2ForSequenceClassification

model = Wav2Vec2ForSequenceClassification.from_pretrained("{name}")
logits = model(waveform[None]).logits
```
"""
MIXED = """
Transformers 5 sums the last layer without its norm, and differs a little therefore.
"""
WITHOUT_HEAD = """\
Transformers has no place for the head ({reason}); to it the folder is an encoder."""


def classifier_hyperparameters(classifier: UtteranceClassifier) -> str:
    """YAML text that builds a classifier from plain sizes.

    Parameters
    ----------
    classifier : UtteranceClassifier

    Returns
    -------
    str

    Example
    -------
    >>> from xlsr_sb.encoder import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.embedder import build_head
    >>> encoder, head = XLSR(XLSRConfig.preset("tiny")), build_head(384, 3, 2)
    >>> classifier = UtteranceClassifier(encoder, head, ("a", "b"))
    >>> text = classifier_hyperparameters(classifier)
    >>> "num_states: 4" in text, 'pooling: "mean"' in text
    (True, True)
    """
    config = classifier.encoder.config
    return HPARAMS.format(
        encoder=_lines({name: getattr(config, name) for name in SIZES}),
        head=_lines(asdict(classifier.head.config)),
        dim=config.dim,
        num_states=config.num_layers + 1,
        num_classes=len(classifier.labels),
    )


def classifier_card(
    name: str,
    classifier: UtteranceClassifier,
    rows: Sequence[ResultRow],
    *,
    meta: Mapping[str, Any],
    is_calibrated: bool,
) -> str:
    """Markdown text about an exported classifier.

    Parameters
    ----------
    name : str
        Of the folder.
    classifier : UtteranceClassifier
    rows : sequence of ResultRow
        Results of the run; none if it was not scored.
    meta : mapping
        Of the checkpoint.
    is_calibrated : bool
        Whether log-likelihood ratios of voices can be told.

    Returns
    -------
    str

    Example
    -------
    >>> from xlsr_sb.encoder import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.embedder import build_head
    >>> encoder, head = XLSR(XLSRConfig.preset("tiny")), build_head(384, 3, 2)
    >>> classifier = UtteranceClassifier(encoder, head, ("a", "b"), "language")
    >>> options = {"meta": {"update": 9}, "is_calibrated": False}
    >>> classifier_card("lid", classifier, [], **options).splitlines()[6]
    '# lid'
    """
    reason = obstacle(classifier.head, "huggingface")
    peers = WITHOUT_HEAD.format(reason=reason)
    if reason is None:
        is_mixed = classifier.head.config.layers == WEIGHTED
        peers = WITH_HEAD.format(name=name) + (MIXED if is_mixed else "")
    counts = [
        one.numel()
        for module in (classifier.encoder, classifier.head)
        for one in module.parameters()
    ]
    is_of_voices = classifier.kind == SPEAKER
    better = "take one from trials of your own"
    if is_calibrated:
        better = "`xlsr-sb verify` decides by the calibration of this one"
    card = CARD.format(
        name=name,
        tag=f"{classifier.kind}-identification",
        kind=classifier.kind,
        num_parameters=sum(counts),
        num_classes=len(classifier.labels),
        embedding_dim=classifier.head.projection.out_features,
        update=meta["update"],
        results=markdown_table(rows) if rows else "The run was not scored.",
        voices=VOICES.format(name=name, threshold=better) if is_of_voices else "",
        peers=peers.rstrip("\n"),
        layout="the encoder" if reason else "a `Wav2Vec2ForSequenceClassification`",
    )
    return card + (CALIBRATED if is_calibrated else "")


def _lines(values: Mapping[str, object]) -> str:
    """A line of YAML for each value; JSON is YAML."""
    return "\n".join(f"    {name}: {json.dumps(one)}" for name, one in values.items())
