"""Classifiers of transformers, saved by it and read here: the same logits.

Each clip is given to transformers alone, as it has no padding then; here all of them
are one ragged batch, of 8 seconds to one frame.

Seen to fail: padding in the mean; layers weighed alike.
"""

import pytest
import torch

from tests.checkpoints.peers import hf_inputs, hf_model, utterances
from xlsr_sb.export.classification import load_classifier
from xlsr_sb.heads.classifier import ClassificationHead

NUM_SAMPLES = (16_000, 9_999, 400, 12_345, 128_000)
LABELS = {0: "en", 1: "fr", 2: "haw", 3: "ka"}


@pytest.fixture(params=[False, True], ids=["last", "weighted"])
def both(request, tmp_path):
    """Model of transformers, and what is read of its folder."""
    model = hf_model(
        "Wav2Vec2ForSequenceClassification",
        id2label=LABELS,
        use_weighted_layer_sum=request.param,
    )
    if request.param:
        torch.nn.init.normal_(model.layer_weights, std=2.0)
    model.save_pretrained(tmp_path)
    # The last state is normalised, as models were trained until transformers 5.
    model.config.tie_last_hidden_states = True
    return model, load_classifier(tmp_path)


def test_logits(both):
    """By transformers' own classifier, from beginning to end."""
    model, classifier = both
    waveforms = utterances(NUM_SAMPLES)
    with torch.no_grad():
        alone = [model(**hf_inputs([waveform])).logits for waveform in waveforms]
    wanted = torch.cat(alone)
    found = classifier.logits(waveforms)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert wanted.std(dim=0).min() > 100 * (found - wanted).abs().max()
    names = [LABELS[best] for best in wanted.argmax(dim=1).tolist()]
    assert classifier.classify(waveforms) == names


def test_embeddings(both):
    """What transformers' classifier is given."""
    model, classifier = both
    head = classifier.head
    assert type(head) is ClassificationHead
    assert head.needs_layers == model.config.use_weighted_layer_sum
    seen = []
    model.classifier.register_forward_pre_hook(lambda _, given: seen.extend(given))
    waveforms = utterances(NUM_SAMPLES[:2])
    for waveform in waveforms:
        with torch.no_grad():
            model(**hf_inputs([waveform]))
            encoded = classifier.encoder.encode(
                waveform[None], torch.tensor([len(waveform)]), all_layers=True
            )
            found = head.embed(
                encoded.features, num_frames=encoded.num_frames, layers=encoded.layers
            )
        torch.testing.assert_close(found, seen[-1], rtol=1e-4, atol=1e-5)


def test_gradients(both):
    """Of the head's parameters, by the same loss of the same clips."""
    model, classifier = both
    waveforms = utterances(NUM_SAMPLES[:3])
    targets = torch.tensor([3, 0, 1])
    for waveform, target in zip(waveforms, targets, strict=True):
        logits = model(**hf_inputs([waveform])).logits
        torch.nn.functional.cross_entropy(logits, target[None]).backward()
    num_samples = torch.tensor(list(map(len, waveforms)))
    batch = torch.nn.utils.rnn.pad_sequence(waveforms, batch_first=True)
    encoded = classifier.encoder.encode(batch, num_samples, all_layers=True)
    head = classifier.head
    logits = head(
        encoded.features, num_frames=encoded.num_frames, layers=encoded.layers
    )
    head.loss(logits, targets, update=0).total.backward()
    theirs = dict(model.named_parameters())
    names = {"projection": "projector", "classifier": "classifier"}
    for name, parameter in head.named_parameters():
        module, _, rest = name.partition(".")
        peer = theirs[f"{names[module]}.{rest}" if rest else name]
        torch.testing.assert_close(parameter.grad, peer.grad, rtol=1e-3, atol=1e-5)
