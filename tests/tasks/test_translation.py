"""The translation task: its loss, what company changes (nothing), and its scores."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from speechbrain import Stage
from speechbrain.utils.run_opts import RunOptions

from tests.training.harness import PLAIN, settings
from xlsr_sb import XLSR, SpeechTranslator, XLSRConfig
from xlsr_sb.data.batching import EvalLoader, SpeechDataset
from xlsr_sb.data.targets import decoder_inputs
from xlsr_sb.tasks.translation import Translation
from xlsr_sb.tasks.translations import Translations
from xlsr_sb.training.checkpointer import AtomicCheckpointer
from xlsr_sb.training.randomness import seed_update
from xlsr_sb.translation.building import build_head

DATA = {
    "tokeniser": None,
    "num_pieces": 26,
    "normalisation": "nmt_nfkc",
    "min_utterance_seconds": 0.1,
    "max_utterance_seconds": 10.0,
    "max_target_tokens": 40,
    "dev_clips_of_pair": None,
}
SMALL = {"dim": 32, "ffn_dim": 64, "num_heads": 2, "num_layers": 2}
SMOOTHING = 0.2


@pytest.fixture
def make(tmp_path, corpus, encoder_config):
    """Function to a translator of the tiny corpus; its transcripts, spelt backwards."""
    splits = {
        name: [
            replace(one, translations={"en": one.wrd[::-1], "de": f"zu {one.wrd}"})
            for one in part
        ]
        for name, part in corpus.splits.items()
    }

    def made(**head):
        labels = Translations.of(splits, DATA, tmp_path)
        seed_update(7, 0, part=0)
        config = XLSRConfig(**{**vars(encoder_config), **PLAIN})
        sizes = {"preset": "small", **SMALL, "dropout": 0.0, **head}
        modules = {
            "encoder": XLSR(config),
            "head": build_head(config.dim, labels.num_classes, **sizes),
        }
        brain = Translation(
            labels=labels,
            modules=modules,
            hparams={
                "seed": 7,
                "output_folder": str(tmp_path),
                "optim": settings(label_smoothing=SMOOTHING),
                "decoder": {"beam_size": 3, "max_tokens": 9},
                "averages": {},
            },
            run_opts=RunOptions.from_dictionary({"device": "cpu"}),
            checkpointer=AtomicCheckpointer(tmp_path / "save", modules),
        )
        brain.labels = labels
        return brain

    return made


def batch_of(brain, *numbers, split="train"):
    """Some examples of a split."""
    source = SpeechDataset(
        brain.labels.splits[split], encode_target=brain.labels.encode
    )
    return source[list(numbers)]


def test_loss_is_that_of_the_logits(make):
    """Smoothed cross-entropy of each real token, summed; counts and hits as well."""
    brain = make()
    brain.modules.eval()
    batch = batch_of(brain, 0, 5, 9)
    assert len(set(batch.num_targets.tolist())) > 1
    predictions = brain.compute_forward(batch, Stage.TRAIN)
    model = SpeechTranslator(brain.modules.encoder, brain.modules.head)
    inputs = decoder_inputs(batch.targets, start=brain.modules.head.config.start)
    logits = model(batch.waveforms, batch.num_samples, inputs, batch.num_targets)
    total = nll = hits = 0.0
    for row, targets, count in zip(
        logits, batch.targets, batch.num_targets, strict=True
    ):
        log_probs = row[:count].log_softmax(-1)
        wanted = targets[:count]
        own = F.nll_loss(log_probs, wanted, reduction="sum")
        rest = SMOOTHING / (log_probs.shape[1] - 1)  # for each wrong token
        total += (1 - SMOOTHING - rest) * own - rest * log_probs.sum()
        nll += own
        hits += (log_probs.argmax(-1) == wanted).sum()
    loss = brain.compute_objectives(predictions, batch, Stage.TRAIN)
    torch.testing.assert_close(loss, total, rtol=1e-5, atol=1e-5)
    seen = brain.observe(predictions, batch)
    torch.testing.assert_close(seen["nll"].float(), nll, rtol=1e-5, atol=1e-5)
    assert seen["correct"] == hits
    assert brain.count(batch) == seen["tokens"] == batch.num_targets.sum()


def gradients_of(brain, batch):
    """Loss, and its gradients."""
    loss = brain.compute_objectives(
        brain.compute_forward(batch, Stage.TRAIN), batch, Stage.TRAIN
    )
    parameters = [p for p in brain.modules.parameters() if p.requires_grad]
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    zeros = map(torch.zeros_like, parameters)
    return loss, [z if g is None else g for g, z in zip(found, zeros, strict=True)]


def test_company_changes_nothing(make):
    """Loss and gradients of a batch are the sums over its examples."""
    brain = make()
    brain.modules.train()
    numbers = (2, 11, 7, 4)
    loss, gradients = gradients_of(brain, batch_of(brain, *numbers))
    parts = [gradients_of(brain, batch_of(brain, number)) for number in numbers]
    torch.testing.assert_close(loss, sum(one for one, _ in parts))
    for together, *alone in zip(gradients, *(g for _, g in parts), strict=True):
        torch.testing.assert_close(together, sum(alone), rtol=1e-4, atol=1e-5)


def test_texts_are_in_the_language_that_is_wanted(make, monkeypatch):
    """The code comes first whatever the model thinks; the same alone and in a batch."""
    brain = make()
    forced = []
    decode = brain.tokeniser.decode
    monkeypatch.setattr(
        type(brain.tokeniser),
        "decode",
        lambda _, ids: forced.append(ids[0]) or decode(ids),
    )
    loader = EvalLoader(
        SpeechDataset(brain.labels.splits["test"], encode_target=brain.labels.encode),
        seconds_per_device=3.0,
    )
    with brain.evaluating():
        together, nll = brain.translate(loader, brain.hparams.decoder)
        texts = {one.example.id: one.hypothesis for one in together}
        for number, example in enumerate(brain.labels.splits["test"]):
            batch = batch_of(brain, number, split="test")
            memory = brain.compute_forward(batch, Stage.VALID).memory
            (text,) = brain._texts(batch, memory, brain.hparams.decoder)
            assert text == texts[example.id]
    assert [one.example.id for one in together] == sorted(texts)
    codes = {brain.codes["en"], brain.codes["de"]}
    assert set(forced) == codes
    assert nll > 0


def test_unreadable_recordings_are_empty_translations(make):
    """Counted, not dropped."""
    brain = make()
    examples = list(brain.labels.splits["test"])
    lost = [replace(one, duration=0.0) for one in examples[:2]]
    data = SpeechDataset([*lost, *examples[2:]], encode_target=brain.labels.encode)
    loader = EvalLoader(data, seconds_per_device=3.0)
    with brain.evaluating():
        found, _ = brain.translate(loader, brain.hparams.decoder)
    assert len(found) == len(examples)
    names = {one.id for one in lost}
    assert all(one.hypothesis == "" for one in found if one.example.id in names)


def test_ranks_skip_the_same_layers(make, monkeypatch):
    """Drawn from the update's number, not from what else was drawn before."""
    brain = make(layerdrop=0.5)
    brain.modules.train()
    monkeypatch.setattr("xlsr_sb.training.brain.UpdateBrain.fit_batch", lambda *_: None)
    drops = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        brain.fit_batch([])
        drop, layers = brain.modules.head.decoder.layerdrop, brain.modules.head.decoder
        drops.append([drop.skips(layers) for _ in range(20)])
    assert drops[0] == drops[1]
    assert any(drops[0])
    assert not all(drops[0])


def test_sums_become_shares(make):
    """Of tokens."""
    row = {"train_tokens": 8.0, "train_nll": 4.0, "train_correct": 2.0, "update": 1}
    assert make().summarise(row) == {
        "train_nll": 0.5,
        "token_accuracy": 0.25,
        "update": 1,
    }
