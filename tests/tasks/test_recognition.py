"""Recognition by CTC: what is observed in training, warned of, and scored."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from speechbrain import Stage

from tests.training.harness import batches, dataset, make_brain
from xlsr_sb.data.batching import EvalLoader
from xlsr_sb.decoders.beam import BeamDecoder
from xlsr_sb.decoders.choosing import chosen_settings
from xlsr_sb.decoders.hypothesis import Hypothesis
from xlsr_sb.errors import InputError
from xlsr_sb.tasks.recognition import Predictions


@pytest.fixture
def brain(tmp_path, corpus, encoder_config):
    """A recogniser that has learnt nothing."""
    brain = make_brain(tmp_path, corpus, encoder_config)
    brain.modules.eval()
    return brain


def spelling(brain, batch, texts, num_frames):
    """Predictions that are sure of these texts: a blank frame after each letter."""
    log_probs = torch.full((len(batch), max(num_frames), len(brain.vocabulary)), -99.0)
    for row, text in zip(log_probs, texts, strict=True):
        ids = [n for letter in brain.vocabulary.encode(text) for n in (letter, 0)]
        row[range(len(row)), ids + [0] * (len(row) - len(ids))] = 0.0
    return Predictions(log_probs, torch.tensor(num_frames))


def speak(brain, monkeypatch, say):
    """Let the brain predict what ``say`` makes of each utterance."""

    def compute_forward(batch, stage):
        del stage
        texts = [say(one) for one in batch.utterances]
        frames = [2 * len(text) + 1 for text in texts]
        return spelling(brain, batch, texts, frames)

    monkeypatch.setattr(brain, "compute_forward", compute_forward)


def loader(brain, corpus, split="test"):
    """Batches of a split."""
    return EvalLoader(dataset(brain, corpus, split), seconds_per_device=3.0)


def test_observed_by_hand(brain, corpus):
    """Ten and four frames, of which 10 - 3 and 4 - 2 are blank; padding is not."""
    (batch,) = batches(brain, corpus, [0, 1])
    predictions = spelling(brain, batch, ["aba", "mo"], [10, 4])
    seen = {k: v.item() for k, v in brain.observe(predictions, batch).items()}
    assert seen == pytest.approx({"frames": 14, "blank_frames": 9, "impossible": 1})


def test_impossible_utterances_do_not_teach(brain, corpus):
    """Four frames are too few for "mob idea noa"; the other's loss is alone."""
    (batch,) = batches(brain, corpus, [0, 1])
    log_probs = torch.randn(2, 40, len(brain.vocabulary)).log_softmax(-1)
    both = Predictions(log_probs, torch.tensor([40, 4]))
    first = Predictions(log_probs[:1], torch.tensor([40]))
    (alone,) = batches(brain, corpus, [0])
    loss = brain.compute_objectives(both, batch, Stage.TRAIN)
    assert loss == brain.compute_objectives(first, alone, Stage.TRAIN)
    assert loss.isfinite()


ROW = {
    "update": 8,
    "train_frames": 1000.0,
    "train_blank_frames": 400.0,
    "train_impossible": 0.0,
    "empty_share": 0.1,
    "CER": 0.5,
}


def test_sums_become_shares(brain, caplog):
    """And nothing is warned of while all is well."""
    row = brain.summarise(ROW)
    assert row == {
        "update": 8,
        "empty_share": 0.1,
        "CER": 0.5,
        "blank_share": 0.4,
        "impossible": 0,
    }
    assert ROW["train_frames"] == 1000.0
    assert caplog.text == ""


def test_rows_without_a_good_update(brain):
    """There are no sums then."""
    row = brain.summarise({"update": 8, "empty_share": 1.0})
    assert (row["blank_share"], row["impossible"]) == (0.0, 0)


@pytest.mark.parametrize(
    ("blank_frames", "empty_share", "warned"),
    [(1000.0, 1.0, True), (1000.0, 0.4, False), (900.0, 1.0, False)],
)
def test_a_collapse_to_blanks_is_told(brain, caplog, blank_frames, empty_share, warned):
    """Only when nothing is said in training and little in validation."""
    changes = {"train_blank_frames": blank_frames, "empty_share": empty_share}
    brain.summarise(ROW | changes)
    assert (
        "100.0 % of the frames of the training speech are blank" in caplog.text
    ) == (warned)
    assert ("raise the head's learning rate" in caplog.text) == warned


def test_impossible_utterances_are_told(brain, caplog):
    """With their number."""
    brain.summarise(ROW | {"train_impossible": 3.0})
    assert "3 utterances since the last validation had fewer frames" in caplog.text


def test_transcripts_come_in_the_order_of_ids(brain, corpus, monkeypatch):
    """With the utterance's own text, whatever batch it was in."""
    speak(brain, monkeypatch, lambda one: one.wrd)
    found, loss = brain.transcribe(loader(brain, corpus), brain.decoder)
    assert [t.utterance for t in found] == sorted(
        corpus.splits["test"], key=lambda one: one.id
    )
    assert [t.hypothesis for t in found] == [t.utterance.wrd for t in found]
    assert math.isfinite(loss)


def test_words_of_unreadable_recordings_are_deleted(brain, corpus, monkeypatch):
    """As many utterances are scored as the list has; the file is not opened."""
    speak(brain, monkeypatch, lambda one: one.wrd)
    data = dataset(brain, corpus, "test")
    lost = replace(data.utterances[0], duration=0.0, wav="/nowhere/a.mp3")
    data.utterances = [lost, *data.utterances[1:]]
    evaluation = brain.score(EvalLoader(data, seconds_per_device=3.0))
    total = {one.score.name: one for one in evaluation.scores if one.group == "all"}
    assert total["WER"].clips == len(corpus.splits["test"])
    assert total["WER"].score.errors == len(lost.wrd.split())
    assert total["CER"].score.errors == len(lost.wrd)


def test_validation_by_hand(brain, corpus, monkeypatch):
    """All words of one language missed, the other perfect."""
    speak(brain, monkeypatch, lambda one: one.wrd if one.language == "aa" else "")
    scores = brain.validate(loader(brain, corpus, "dev"))
    words = {"aa": 0, "bb": 0}
    letters = {"aa": 0, "bb": 0}
    for one in corpus.splits["dev"]:
        words[one.language] += len(one.wrd.split())
        letters[one.language] += len(one.wrd)
    assert scores["WER"] == words["bb"] / (words["aa"] + words["bb"])
    assert scores["CER"] == letters["bb"] / (letters["aa"] + letters["bb"])
    assert scores["empty_share"] == 0.5
    assert set(scores) == {"WER", "CER", "empty_share", "valid_loss"}


def test_scores_by_language_and_in_all(brain, corpus, monkeypatch):
    """Clips without a language are a group of their own; counts add up."""
    speak(brain, monkeypatch, lambda one: one.wrd if one.language == "aa" else "")
    data = loader(brain, corpus)
    data.dataset.utterances = [
        replace(one, language="" if one.language == "bb" else "aa")
        for one in corpus.splits["test"]
    ]
    evaluation = brain.score(data)
    found = {(s.group, s.score.name): s.score for s in evaluation.scores}
    assert [group for group, _ in found][::2] == ["aa", "unknown", "all"]
    for metric in ("WER", "CER"):
        assert found["aa", metric].value == 0.0
        assert found["unknown", metric].value == 1.0
        assert found["aa", metric] + found["unknown", metric] == found["all", metric]
    assert {s.clips for s in evaluation.scores if s.group == "all"} == {4}
    assert evaluation.baseline.name == "CER"
    assert 0 < evaluation.baseline.value <= 1
    for one in corpus.splits["test"]:
        assert one.id in evaluation.report


class Stubborn:
    """A decoder that always hears one word."""

    def decode(self, log_probs, *, num_frames):
        """The same for every utterance."""
        del log_probs
        word = Hypothesis("mob", (), 0.0, alignment=None, vocabulary=None)
        return [[word] for _ in range(len(num_frames))]


def test_decoder_is_for_test_sets(brain, corpus, monkeypatch):
    """While the model is chosen, all are decoded alike: greedily."""
    speak(brain, monkeypatch, lambda one: one.wrd)
    brain.decoder, brain.decoder_kind = Stubborn(), "beam"
    assert brain.validate(loader(brain, corpus))["WER"] == 0
    evaluation = brain.score(loader(brain, corpus))
    assert evaluation.label == "beam"
    words = [one.wrd.split() for one in corpus.splits["test"]]
    right = sum("mob" in one for one in words)
    expected = 1 - right / sum(map(len, words))
    (everything,) = [
        one.score.value
        for one in evaluation.scores
        if (one.group, one.score.name) == ("all", "WER")
    ]
    assert everything == pytest.approx(expected)


def test_decoder_is_made_before_training(tmp_path, corpus, encoder_config):
    """A language model that is missing is told at once, not after a week."""
    section = {"kind": "beam", "settings": partial(chosen_settings, kind="beam")}
    brain = make_brain(tmp_path, corpus, encoder_config, decoder=section)
    assert isinstance(brain.decoder, BeamDecoder)
    section["settings"] = partial(chosen_settings, kind="tuned")
    with pytest.raises(InputError, match=r"decoder.kind is tuned"):
        make_brain(tmp_path, corpus, encoder_config, decoder=section)
