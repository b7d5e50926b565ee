"""A classifier as other implementations hold one, where they have a place for it."""

from dataclasses import asdict
from pathlib import Path

from xlsr_sb.checkpoints import CLASSIFIER, Checkpoint, prepared, write_checkpoint
from xlsr_sb.checkpoints.sizes import SIZES
from xlsr_sb.encoder.lora import merged_state
from xlsr_sb.errors import InputError
from xlsr_sb.export.classifier import UtteranceClassifier
from xlsr_sb.heads.classifier_config import LAST, SOFTMAX, WEIGHTED, ClassifierConfig
from xlsr_sb.heads.embedder import EmbeddingHead

LAYOUTS = ("huggingface", "fairseq")
NEEDED = {  # what a head must be so that such a layout has a place for it
    "pooling": ("mean",),
    "layers": (LAST, WEIGHTED),
    "pooled_norm": (False,),
    "loss": (SOFTMAX,),
}


def classifier_checkpoint(classifier: UtteranceClassifier, layout: str) -> Checkpoint:
    """Encoder and, if the layout has a place for it, head of a classifier.

    Parameters
    ----------
    classifier : UtteranceClassifier
    layout : str
        One of ``LAYOUTS``.

    Returns
    -------
    Checkpoint
        Ready to be written; without head where ``obstacle`` names one.

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.embedder import build_head
    >>> encoder = XLSR(XLSRConfig.preset("tiny", num_layers=1))
    >>> for activation in ("gelu", "identity"):
    ...     head = build_head(384, 1, 2, activation=activation)
    ...     classifier = UtteranceClassifier(encoder, head, ("en", "fr"))
    ...     classifier_checkpoint(classifier, "huggingface").head_names
    ()
    ('classifier',)
    """
    encoder, head = classifier.encoder, classifier.head
    fields = asdict(encoder.config) | {"lora_rank": 0}
    heads = {}
    if obstacle(head, layout) is None:
        weights = head.state_dict()
        heads = {f"{CLASSIFIER}.{name}": one for name, one in weights.items()}
    checkpoint = Checkpoint(
        source="this classifier",
        layout=layout,
        sizes={name: fields[name] for name in SIZES},
        encoder=merged_state(encoder),
        heads=heads,
        labels=classifier.labels,
        activation=head.config.activation,
        options={name: fields[name] for name in fields if name not in SIZES},
    )
    return prepared(checkpoint, layout).checkpoint


def write_classifier(
    classifier: UtteranceClassifier, target: Path, *, layout: str
) -> Path:
    """Write a classifier into a new folder, in another implementation's layout.

    Parameters
    ----------
    classifier : UtteranceClassifier
    target : Path
        Must not exist.
    layout : str
        One of ``LAYOUTS``.

    Returns
    -------
    Path
        What the other implementation is given.

    Raises
    ------
    InputError
        If the layout has no place for the head, or the target cannot be written.

    Example
    -------
    >>> from xlsr_sb import XLSR, XLSRConfig
    >>> from xlsr_sb.heads.embedder import build_head
    >>> encoder, head = XLSR(XLSRConfig.preset("tiny")), build_head(384, 3, 2)
    >>> classifier = UtteranceClassifier(encoder, head, ("en", "fr"))
    >>> write_classifier(classifier, Path("new"), layout="huggingface")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: huggingface has no place for this head: its activation \
is gelu, it must be identity. ...
    """
    if reason := obstacle(classifier.head, layout):
        raise InputError(
            f"{layout} has no place for this head: {reason}. Export it without "
            "--layout, for SpeechBrain and ours; or train with a head that "
            f"{layout} has a place for"
        )
    return write_checkpoint(classifier_checkpoint(classifier, layout), target)


def obstacle(head: EmbeddingHead, layout: str) -> str | None:
    """What of a head a layout has no place for; None if it holds all.

    Example
    -------
    >>> from xlsr_sb.heads.embedder import build_head
    >>> obstacle(build_head(4, 1, 2, layers="weighted"), "fairseq")
    'its layers is weighted, it must be last'
    """
    needed = dict(NEEDED)
    if layout == "fairseq":
        needed["layers"] = (LAST,)
    else:
        needed["activation"] = ("identity",)
    config: ClassifierConfig = head.config
    for name, allowed in needed.items():
        value = getattr(config, name)
        if value not in allowed:
            shown = " or ".join(map(str, allowed)).lower()
            return f"its {name} is {str(value).lower()}, it must be {shown}"
    return None
