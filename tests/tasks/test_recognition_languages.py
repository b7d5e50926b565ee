"""Recognition with outputs for each language: built, told the languages, learnt."""

from functools import partial

import pytest
import torch
from speechbrain import Stage
from speechbrain.utils.run_opts import RunOptions

from tests.corpus import TinyCorpus, clip
from tests.training.harness import PLAIN, assert_same_gradients, settings
from xlsr_sb import XLSR, XLSRConfig
from xlsr_sb.data.batching import EvalLoader, SpeechDataset
from xlsr_sb.decoders.choosing import chosen_settings
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.heads.language_ctc import LanguageCTCHead
from xlsr_sb.tasks.recognition import Recognition
from xlsr_sb.training.checkpointer import AtomicCheckpointer

TEXTS = {"aa": ["aba", "bab ab"], "bb": ["noe", "on en", "neon"]}
DATA = {
    "units": "characters",
    "keep_characters": "'",
    "min_utterance_seconds": 0.1,
    "max_utterance_seconds": 9.0,
    "train_minutes": None,
}


@pytest.fixture
def tones(tmp_path):
    """Clips of two languages that share no letter."""
    clips = [
        clip(tmp_path, f"{language}-{n}", language=language, text=text, seed=n)
        for language, texts in TEXTS.items()
        for n, text in enumerate(texts)
    ]
    return TinyCorpus(tmp_path, {"train": clips, "dev": clips})


@pytest.fixture
def brain(tmp_path, tones, encoder_config):
    """A recogniser as a run builds it, with nothing random."""
    hparams = {
        "data": DATA,
        "head": {"per_language": True, "module": partial(CTCHead, dropout=0.0)},
    }
    labels = Recognition.build_labels(hparams, tones.splits, tmp_path)
    encoder = XLSR(XLSRConfig(**{**vars(encoder_config), **PLAIN}))
    head = Recognition.build_head(hparams, encoder, labels)
    modules = {"encoder": encoder, "head": head}
    brain = Recognition(
        labels=labels,
        modules=modules,
        hparams={
            "seed": 7,
            "output_folder": str(tmp_path),
            "optim": settings(),
            "decoder": {"kind": "greedy", "settings": chosen_settings},
        },
        run_opts=RunOptions.from_dictionary({"device": "cpu", "noprogressbar": True}),
        checkpointer=AtomicCheckpointer(tmp_path / "save", modules),
    )
    brain.labels = labels
    return brain


def batch_of(brain, places):
    """Some of the clips, with their targets."""
    utterances = brain.labels.splits["train"]
    return SpeechDataset(utterances, encode_target=brain.labels.encode)[places]


def test_the_head_has_a_row_for_each_token_of_each_language(brain):
    """Blank, unknown, space and letters: 5 and 6, in one vocabulary of 8."""
    assert isinstance(brain.modules.head, LanguageCTCHead)
    assert brain.modules.head.rows.projection.out_features == 5 + 6
    assert len(brain.vocabulary) == 3 + 5
    assert brain.modules.head.languages == brain.labels.languages.ids


def test_neighbours_of_another_language_change_nothing(brain):
    """Log-probabilities to 1e-5; losses and gradients add up."""
    company = [3, 0, 4, 1]
    parameters = list(brain.modules.parameters())

    def outcome(places):
        batch = batch_of(brain, places)
        predictions = brain.compute_forward(batch, Stage.TRAIN)
        loss = brain.compute_objectives(predictions, batch, Stage.TRAIN)
        return predictions, torch.autograd.grad(loss, parameters, allow_unused=True)

    together, gradients = outcome(company)
    sums = [None] * len(gradients)
    for i, place in enumerate(company):
        alone, parts = outcome([place])
        frames = int(alone.num_frames)
        torch.testing.assert_close(
            together.log_probs[i, :frames], alone.log_probs[0], atol=1e-5, rtol=1e-5
        )
        sums = [
            part if before is None else before + part
            for before, part in zip(sums, parts, strict=True)
        ]
    assert_same_gradients(gradients, sums)


def test_a_language_alone_is_an_ordinary_recogniser(brain):
    """Its loss is that of a head with its own rows and vocabulary."""
    batch = batch_of(brain, [2, 3, 4])
    predictions = brain.compute_forward(batch, Stage.TRAIN)
    loss = brain.compute_objectives(predictions, batch, Stage.TRAIN)
    own = brain.labels.languages.parts["bb"]
    head = brain.modules.head.only("bb")
    encoded = brain.modules.encoder.encode(batch.waveforms, batch.num_samples)
    batch.targets = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(own.encode(one.wrd)) for one in batch.utterances],
        batch_first=True,
    )
    alone = type(predictions)(head(encoded.features), encoded.num_frames)
    wanted = brain.compute_objectives(alone, batch, Stage.TRAIN)
    torch.testing.assert_close(loss, wanted)


def test_each_language_is_scored_in_its_letters(brain):
    """Nothing of the other one is ever said."""
    projection = brain.modules.head.rows.projection
    torch.nn.init.normal_(projection.weight)
    with torch.no_grad():
        projection.bias[[0, 1, 5, 6]] = -99.0  # neither blank nor unknown
    dataset = SpeechDataset(
        brain.labels.splits["dev"], encode_target=brain.labels.encode
    )
    loader = EvalLoader(dataset, seconds_per_device=9.0)
    with brain.evaluating():
        found, loss = brain.transcribe(loader, brain.decoder)
    assert 0 < loss < 1e4
    said = {"aa": "", "bb": ""}
    for one in found:
        said[one.utterance.language] += one.hypothesis
    assert set(said["aa"]) <= set("ab ")
    assert set(said["bb"]) <= set("noe ")
    assert set(said["aa"]) & set("ab")
    assert set(said["bb"]) & set("noe")
