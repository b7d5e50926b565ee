"""Embeddings and classes: every choice on a real encoder, cosines by hand, settings.

Seen to fail: an embedding that depends on its batch; the mean of a class's centres for
the nearest one; the length of an embedding in its cosines; layers not normalised when
they should be; a head that forgets its margin; products in bf16.
"""

from dataclasses import asdict
from itertools import product
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from tests.encoder.kept import pretended_gpu
from tests.encoder.models import ragged_batch, random_lobe
from xlsr_sb.errors import InputError
from xlsr_sb.heads.classifier import ClassificationHead
from xlsr_sb.heads.classifier_config import CHOICES, ClassifierConfig
from xlsr_sb.heads.cosine import CosineClassifier
from xlsr_sb.heads.embedder import build_head
from xlsr_sb.hparams import load_hparams
from xlsr_sb.training.settings import check_settings

HPARAMS = Path(__file__).parents[2] / "hparams"
DIM, NUM_LAYERS, NUM_CLASSES = 16, 2, 5
COUNTS = torch.tensor([9, 4, 1])
CHOSEN = [
    {"pooling": pooling, "layers": layers, "pooled_norm": layers != "last"}
    for pooling, layers in product(CHOICES["pooling"], CHOICES["layers"])
]
EVERY = pytest.mark.parametrize(
    "options", CHOSEN, ids=lambda o: "-".join([*o.values()][:2])
)


def head_of(*, dim=DIM, num_layers=NUM_LAYERS, **options):
    """A head whose every parameter is random."""
    sizes = {"embedding_dim": 8, "attention_dim": 6}
    head = build_head(dim, num_layers, NUM_CLASSES, **{**sizes, **options})
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head


def inputs(dtype=torch.float32):
    """Features, and what a head is called with beside them; noise in the padding."""
    layers = [torch.randn(3, 9, DIM, dtype=dtype) for _ in range(NUM_LAYERS + 1)]
    return layers[-1], {"num_frames": COUNTS, "layers": layers}


# Embeddings


@EVERY
def test_alone_and_in_a_batch(options):
    """From waveforms to logits, in fp32 to 1e-5 of the largest."""
    lobe = random_lobe(num_layers=NUM_LAYERS).eval()
    head = head_of(dim=lobe.config.dim, **options).eval()

    def found(waveforms, num_samples):
        encoded = lobe.encode(waveforms, num_samples, all_layers=head.needs_layers)
        given = {"num_frames": encoded.num_frames, "layers": encoded.layers}
        embeddings = head.embed(encoded.features, **given)
        return torch.cat([embeddings, head.logits(embeddings)], dim=1)

    waveforms, num_samples = ragged_batch()
    with torch.no_grad():
        together = found(waveforms, num_samples)
        for i, count in enumerate(num_samples.tolist()):
            alone = found(waveforms[i : i + 1, :count], num_samples[i : i + 1])
            tolerance = 1e-5 * together.abs().max().item()
            torch.testing.assert_close(alone[0], together[i], rtol=0, atol=tolerance)
    assert together.std(dim=0).min() > 1e-3


@EVERY
def test_the_same_every_time(options):
    """Bit for bit: in training mode, with other neighbours, from a stored head."""
    head, (features, given) = head_of(**options), inputs()
    first = head.embed(features, **given)
    again = head_of(**options)
    again.load_state_dict(head.state_dict())
    assert torch.equal(again.eval().embed(features, **given), first)
    others = [layer.clone() for layer in given["layers"]]
    for layer in others:
        layer[0] = torch.randn(9, DIM)
    other = head.embed(others[-1], num_frames=COUNTS, layers=others)
    assert torch.equal(other[1:], first[1:])
    assert not torch.equal(other[0], first[0])


@pytest.mark.parametrize("pooling", ["mean", "statistics"])
@pytest.mark.parametrize("layers", ["weighted", "normalised"])
def test_sum_of_layers(layers, pooling):
    """By hand, for a pooling that is linear and one that is not; alike at first."""
    _, given = inputs()
    head = head_of(pooling=pooling, layers=layers)
    states = torch.stack(given["layers"])
    if layers == "normalised":
        centred = states - states.mean(-1, keepdim=True)
        states = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    shares = head.layer_weights.exp() / head.layer_weights.exp().sum()
    summed = torch.einsum("l,lbfd->bfd", shares, states)
    plain = head_of(pooling=pooling)
    plain.load_state_dict(head.state_dict(), strict=False)
    wanted = plain(summed, num_frames=COUNTS)
    found = head(given["layers"][-1], **given)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    at_first = build_head(DIM, NUM_LAYERS, NUM_CLASSES, layers=layers).layer_weights
    assert at_first.tolist() == [0.0] * (NUM_LAYERS + 1)


def test_norm_behind_the_pooling():
    """By hand."""
    head, (features, given) = head_of(pooled_norm=True), inputs()
    pooled = head.pooling(features, num_frames=COUNTS)
    centred = pooled - pooled.mean(1, keepdim=True)
    normal = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
    wanted = head.projection(normal * head.norm.weight + head.norm.bias)
    torch.testing.assert_close(head.embed(features, **given), wanted)


@EVERY
@pytest.mark.parametrize("loss", CHOICES["loss"])
def test_fp32_whatever_surrounds_it(options, loss):
    """Features in bf16 are taken as they are; nothing else is rounded."""
    head, (_, given) = head_of(**options, loss=loss), inputs()
    rounded = [layer.bfloat16().float() for layer in given["layers"]]
    wanted = head(rounded[-1], num_frames=COUNTS, layers=rounded)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = head(rounded[-1], num_frames=COUNTS, layers=rounded)
    assert found.dtype == torch.float32
    assert torch.equal(found, wanted)


# Classes


def test_cosines_with_the_nearest_centre():
    """Of each class, by hand; how long an embedding is does not matter."""
    classifier = CosineClassifier(8, NUM_CLASSES, scale=20.0, num_centres=3)
    embeddings = torch.randn(4, 8)
    found = classifier(embeddings)
    for row, one in zip(found, embeddings, strict=True):
        for logit, centres in zip(row, classifier.weight, strict=True):
            cosines = [torch.dot(one, c) / one.norm() / c.norm() for c in centres]
            torch.testing.assert_close(logit, 20 * max(cosines))
    torch.testing.assert_close(classifier(7 * embeddings), found)
    assert classifier(torch.zeros(1, 8)).tolist() == [[0.0] * NUM_CLASSES]


@pytest.mark.parametrize("loss", CHOICES["loss"])
def test_loss_of_the_head(loss):
    """Its own margin at an update; what is predicted knows no margin."""
    schedule = {"margin_start_update": 10, "margin_full_update": 20}
    options = {"loss": loss, "margin": 0.4, "scale": 10.0, **schedule}
    head, (features, given) = head_of(sub_centres=2, **options), inputs()
    targets = torch.tensor([0, 4, 2])
    logits = head(features, **given)
    plain = functional.cross_entropy(logits, targets, reduction="sum")
    losses = [head.loss(logits, targets, update=update) for update in (0, 15, 30)]
    torch.testing.assert_close(losses[0].total, plain)
    for one in losses:
        torch.testing.assert_close(one.nll, plain)
    totals = torch.stack([one.total for one in losses]).detach()
    assert (totals.diff() > 0.1).all() == (loss != "softmax")
    smoothed = head.loss(logits, targets, update=0, smoothing=0.2).total
    assert smoothed != plain


@pytest.mark.parametrize("options", CHOSEN[1::3], ids=lambda o: o["pooling"])
def test_gradient_by_differences(options):
    """In fp64, from all layers to the loss with sub-centres and a margin."""
    head = head_of(**options, loss="aam_softmax", sub_centres=2, scale=4.0).double()
    _, given = inputs(torch.float64)
    targets = torch.tensor([0, 4, 2])

    def loss(*tensors):
        layers = tensors[: NUM_LAYERS + 1]
        logits = head(layers[-1], num_frames=COUNTS, layers=layers)
        return head.loss(logits, targets, update=0).total

    layers = [layer.requires_grad_() for layer in given["layers"]]
    tensors = (*layers, *head.parameters())
    assert torch.autograd.gradcheck(loss, tensors, fast_mode=True)


@pytest.mark.parametrize("loss", ["softmax", "am_softmax", "aam_softmax"])
def test_it_learns(loss):
    """Four classes of two groups each; embeddings of a class come near each other."""
    options = {"loss": loss, "sub_centres": 2, "scale": 10.0, "margin_full_update": 30}
    head = build_head(8, 2, 4, embedding_dim=4, pooling="statistics", **options)
    targets = torch.arange(80) % 4
    groups = 3 * torch.randn(8, 1, 8)[torch.arange(80) % 8]
    features, counts = groups + torch.randn(80, 5, 8), torch.full((80,), 3)
    optimiser = torch.optim.Adam(head.parameters(), lr=0.03)
    for update in range(60):
        optimiser.zero_grad()
        logits = head(features, num_frames=counts)
        loss = head.loss(logits, targets, update=update)
        (loss.total / len(targets)).backward()
        optimiser.step()
    assert loss.num_correct == 80


def test_on_a_pretended_gpu():
    """Shapes and devices; the counts may be on the host."""
    with pretended_gpu(), torch.device("cuda"):
        head = head_of(layers="weighted", pooling="attention", loss="aam_softmax")
        features, given = inputs()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            logits = head(features, **{**given, "num_frames": COUNTS.cpu()})
            targets = torch.zeros(3, dtype=torch.long)
            loss = head.loss(logits, targets, update=0).total
    assert (logits.device.type, logits.shape) == ("cuda", (3, NUM_CLASSES))
    assert (loss.device.type, loss.shape, loss.dtype) == ("cuda", (), torch.float32)


# Settings


def test_the_head_of_the_paper_is_that_of_its_checkpoints():
    """Names, shapes and logits."""
    head = build_head(DIM, NUM_LAYERS, NUM_CLASSES)
    peer = ClassificationHead(DIM, DIM, NUM_CLASSES, activation="gelu")
    peer.load_state_dict(head.state_dict())
    features, given = inputs()
    assert torch.equal(peer(features, num_frames=COUNTS), head(features, **given))
    assert peer.config == ClassifierConfig(embedding_dim=DIM)


def test_shipped_hyperparameters():
    """Every value reaches the head; by default it is that of the paper."""
    section = load_hparams(HPARAMS / "head" / "classifier.yaml")
    head = section["module"](DIM, NUM_LAYERS, NUM_CLASSES)
    values = {name: section[name] for name in section if name != "module"}
    assert asdict(head.config) == values == asdict(ClassifierConfig())
    changed = {"pooling": "attention", "loss": "aam_softmax", "sub_centres": 3}
    overrides = "\n".join(f"{name}: {value}" for name, value in changed.items())
    other = load_hparams(HPARAMS / "head" / "classifier.yaml", overrides)
    head = other["module"](DIM, NUM_LAYERS, NUM_CLASSES)
    assert asdict(head.config) == {**values, **changed}


def test_shipped_optimisation():
    """The optimiser and schedule that it asks for can be built."""
    section = load_hparams(HPARAMS / "optim" / "classification.yaml")
    check_settings(section)
    optimiser = section["optimizer"]([torch.nn.Parameter(torch.zeros(1))])
    schedule = section["schedule"](optimiser)
    assert schedule.scale(20_000) == 1
    assert schedule.scale(100_000) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "max"}, "pooling must be one of mean, .*, got 'max'"),
        ({"layers": 3}, "layers must be one of last, weighted, normalised, got 3"),
        ({"loss": "triplet"}, "loss must be one of softmax, .*, got 'triplet'"),
        ({"activation": "elu"}, "activation must be one of .*, got 'elu'"),
        ({"attention_dim": 0}, "attention_dim must be a whole number from 1 on, got 0"),
        ({"attention_dim": None}, "attention_dim must be .* got None"),
        ({"embedding_dim": 2.5}, "embedding_dim must be .* from 1 on, got 2.5"),
        ({"sub_centres": True}, "sub_centres must be .* got True"),
        ({"margin_full_update": "9"}, "margin_full_update must be .* 0 on, got '9'"),
        ({"margin": "0.2"}, "margin must be a number, got '0.2'"),
        ({"pooled_norm": 1}, "pooled_norm must be true or false, got 1"),
        ({"dropout": 0.1}, "no option 'dropout'; there are .*'sub_centres'"),
        ({"loss": "am_softmax", "margin": 1.2}, "margin of am_softmax is 1.2; it must"),
    ],
)
def test_what_cannot_work(options, message):
    """Named with its value and what is allowed."""
    with pytest.raises(InputError, match=message):
        build_head(DIM, NUM_LAYERS, NUM_CLASSES, **options)
