"""Exported classifiers: SpeechBrain, transformers and ours load one and the same.

Seen to fail: the newest checkpoint instead of the best; frames by rounded fractions.
"""

import pytest
import torch
import transformers
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.inference.speaker import SpeakerRecognition

from tests.checkpoints.peers import hf_inputs
from tests.cli.commands import fails
from tests.finished_classification import (
    CALIBRATION,
    NAMES,
    finished_classification,
    modules,
)
from tests.finished_run import finished_run, noise
from xlsr_sb import XLSR
from xlsr_sb.cli import main
from xlsr_sb.errors import InputError
from xlsr_sb.export import (
    export_classifier,
    export_recogniser,
    load_classifier,
    read_calibration,
    run_encoder,
)
from xlsr_sb.heads.class_file import ClassFile
from xlsr_sb.lengths import num_frames

# Rounded fractions of the longest give up to a frame too many, and one too few.
LENGTHS = [16_079, 400, 12_345, 9_999, 3_279, 3_280, 15_440, 14_480, 719]
MARGIN = {"pooling": "channel_attention", "loss": "aam_softmax", "sub_centres": 2}
MARGIN |= {"pooled_norm": True, "layers": "normalised"}
HEADS = {
    "gelu": {},
    "linear": {"activation": "identity"},
    "mixed": {"activation": "identity", "layers": "weighted"},
    "margin": MARGIN,
}


@pytest.fixture(scope="module", params=HEADS)
def run(request, tmp_path_factory):
    """Folder of a run, with the name of its head."""
    folder = tmp_path_factory.mktemp("runs") / request.param
    return finished_classification(folder, **HEADS[request.param])


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """Folder that was exported from it."""
    return export_classifier(run, tmp_path_factory.mktemp("exports") / run.name)


@pytest.fixture(scope="module")
def waveforms():
    """Speech-like lengths of noise."""
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(n, generator=generator) for n in LENGTHS]


def padded(waveforms):
    """Batch with noise in the padding, and SpeechBrain's relative lengths."""
    longest = max(map(len, waveforms))
    batch = torch.randn(len(waveforms), longest)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return batch, torch.tensor([len(one) / longest for one in waveforms])


def close(found, wanted):
    """Whether tensors are equal but for rounding."""
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


# Ours


def test_best_checkpoint_is_taken(run, exported):
    """Not the newest; by its run and by the exported folder."""
    wanted = modules(20, ClassFile.load(run))
    for source in (run, exported):
        classifier = load_classifier(source)
        for name in ("encoder", "head"):
            weights = getattr(classifier, name).state_dict()
            for key, tensor in wanted[name].state_dict().items():
                assert torch.equal(weights[key], tensor), key
        assert (classifier.labels, classifier.kind) == (NAMES, "language")
        assert not classifier.encoder.training


def test_answers_do_not_depend_on_the_batch(run, waveforms):
    """Alone, together, in any order."""
    classifier = load_classifier(run)
    together = classifier.probabilities(waveforms)
    close(together.sum(dim=1), torch.ones(len(waveforms)))
    assert len(set(classifier.classify(waveforms))) > 1
    close(classifier.probabilities(waveforms[::-1]), together.flip(0))
    for waveform, row in zip(waveforms, classifier.embed(waveforms), strict=True):
        close(classifier.embed([waveform])[0], row)
    close(classifier.logits(waveforms).softmax(-1), together)


def test_encoder_of_a_run_and_of_an_export(run, exported, tmp_path, capsys):
    """As ``xlsr-sb features`` and another training take it."""
    wanted = modules(20, ClassFile.load(run))["encoder"].state_dict()
    build = {"preset": "300m", "source": str(exported)}
    for encoder in (run_encoder(run), XLSR.build(**build).eval()):
        assert not encoder.training
        found = encoder.state_dict()
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    path = str(noise(tmp_path / "a.wav", 4_000))
    for number, source in enumerate((run, exported)):
        main(["features", str(source), path, "--to", str(tmp_path / f"{number}")])
        assert "12 frames" in capsys.readouterr().out


# SpeechBrain


def test_stock_classifier_answers_as_ours(run, exported, waveforms, tmp_path):
    """Ragged batches too, where relative lengths are rounded wrongly."""
    ours = load_classifier(run)
    stock = EncoderClassifier.from_hparams(str(exported), savedir=str(tmp_path / "a"))
    embeddings = stock.encode_batch(*padded(waveforms))
    close(embeddings, ours.embed(waveforms)[:, None])
    close(stock.encode_batch(*padded(waveforms), normalize=True), embeddings)
    log_probs, best, index, labels = stock.classify_batch(*padded(waveforms))
    close(log_probs.exp(), ours.probabilities(waveforms))
    close(best, log_probs.amax(dim=-1))
    assert labels == ours.classify(waveforms) == [NAMES[one] for one in index]
    path = str(noise(tmp_path / "a.wav", 20_000))
    waveform = stock.load_audio(path)
    close(stock.classify_file(path)[0].exp(), ours.probabilities([waveform]))
    assert stock.classify_file(path)[3] == ours.classify([waveform])
    assert not any(parameter.requires_grad for parameter in stock.parameters())
    _, wav_lens = padded(waveforms)
    most = num_frames(max(LENGTHS))
    rounded = [round(float(fraction) * most) for fraction in wav_lens]
    wrong = [a - num_frames(b) for a, b in zip(rounded, LENGTHS, strict=True)]
    assert {-1, 1} <= set(wrong), "the lengths are chosen so that rounding is wrong"


def test_stock_verification_scores_as_ours(run, exported, waveforms, tmp_path):
    """Batches of both sides, and files; nothing is put beside the files."""
    stock = SpeakerRecognition.from_hparams(source=str(exported))
    (left, left_lens), (right, right_lens) = padded(waveforms), padded(waveforms[::-1])
    scores, _ = stock.verify_batch(left, right, left_lens, right_lens)
    ours = load_classifier(run)
    embeddings = ours.embed(waveforms)
    wanted = torch.cosine_similarity(embeddings, embeddings.flip(0))
    close(scores[:, 0], wanted)
    paths = [str(noise(tmp_path / f"{n}.wav", n, seed=n)) for n in (9_000, 7_000)]
    pair = ours.embed([stock.load_audio(path) for path in paths])
    close(stock.verify_files(*paths)[0][0], torch.cosine_similarity(*pair, dim=0))
    assert sorted(path.name for path in exported.iterdir()) == [
        *["README.md", "classes.json", "config.json", "head.ckpt", "hyperparams.yaml"],
        *["label_encoder.txt", "model.safetensors", "preprocessor_config.json"],
    ]


def test_labels_are_read_by_the_stock_encoder(exported):
    """Under the same numbers; one of them is false to YAML."""
    labels = CategoricalEncoder.from_saved(exported / "label_encoder.txt")
    labels.expect_len(len(NAMES))
    assert tuple(labels.decode_ndim(list(range(len(NAMES))))) == NAMES


# Other implementations


def logits_of(folder, waveforms):
    """What transformers makes of a ragged batch."""
    kind = transformers.AutoModelForAudioClassification
    model = kind.from_pretrained(folder).eval()
    with torch.no_grad():
        return model(**hf_inputs(waveforms)).logits, model.config


def test_transformers_answers_as_ours(tmp_path, waveforms):
    """By the folder for all, and by one for transformers alone."""
    run = finished_classification(tmp_path / "run", activation="identity")
    main(["export", str(run), str(tmp_path / "all")])
    main(["export", str(run), str(tmp_path / "hf"), "--layout", "huggingface"])
    ours = load_classifier(run)
    for folder in (tmp_path / "all", tmp_path / "hf"):
        theirs, config = logits_of(folder, waveforms)
        torch.testing.assert_close(theirs, ours.logits(waveforms), atol=1e-4, rtol=1e-4)
        assert tuple(config.id2label[number] for number in range(4)) == NAMES
    again = load_classifier(tmp_path / "hf")
    close(again.logits(waveforms), ours.logits(waveforms))
    assert (again.labels, again.kind) == (NAMES, None)


def test_fairseq_folder_answers_as_ours(tmp_path, waveforms, capsys):
    """Of the head that is fairseq's own."""
    run = finished_classification(tmp_path / "run")
    main(["export", str(run), str(tmp_path / "out"), "--layout", "fairseq"])
    assert capsys.readouterr().out == f"exported to {tmp_path / 'out'}\n"
    wanted = load_classifier(run)
    for source in (tmp_path / "out", tmp_path / "out/checkpoint.pt"):
        found = load_classifier(source)
        close(found.logits(waveforms), wanted.logits(waveforms))
        assert found.labels == NAMES


@pytest.mark.parametrize(
    ("head", "layout", "reason"),
    [
        ("gelu", "huggingface", "its activation is gelu, it must be identity"),
        ("mixed", "fairseq", "its layers is weighted, it must be last"),
        ("margin", "huggingface", "its pooling is channel_attention, it must be mean"),
    ],
)
def test_head_without_a_place(tmp_path, capsys, head, layout, reason):
    """One error that says why, and what can be done; no folder."""
    run = finished_classification(tmp_path / "run", **HEADS[head])
    code, _, [line] = fails(capsys, "export", run, tmp_path / "out", "--layout", layout)
    assert code == 2
    assert line.startswith(f"error: {layout} has no place for this head: {reason}. ")
    assert "without --layout" in line
    assert not (tmp_path / "out").exists()


# What goes along


def test_card_and_calibration(tmp_path):
    """What was scored, which readers there are; a calibration is copied."""
    run = finished_classification(tmp_path / "run", kind="speaker", is_calibrated=True)
    folder = export_classifier(run, tmp_path / "voices")
    assert read_calibration(folder) == read_calibration(run) == CALIBRATION
    assert load_classifier(folder).kind == "speaker"
    card = (folder / "README.md").read_text()
    assert "Which speaker is heard" in card
    assert "SpeakerRecognition" in card
    assert "| all | 1 | 25.0 |" in card
    assert "update 20" in card
    assert "`calibration.json`" in card
    assert "no place for the head (its activation is gelu" in card
    (run / "results.csv").unlink()
    (run / "calibration.json").unlink()
    bare = export_classifier(run, tmp_path / "bare")
    assert "was not scored" in (bare / "README.md").read_text()
    assert "calibration" not in (bare / "README.md").read_text()
    assert read_calibration(bare) is None


def test_adapters_are_merged(tmp_path, waveforms):
    """An encoder with LoRA answers the same from the exported folder."""
    run = finished_classification(tmp_path / "run", encoder={"lora_rank": 2})
    wanted = load_classifier(run)
    assert wanted.encoder.config.lora_rank == 2
    folder = export_classifier(run, tmp_path / "out")
    close(load_classifier(folder).logits(waveforms), wanted.logits(waveforms))
    stock = EncoderClassifier.from_hparams(str(folder))
    close(stock.encode_batch(*padded(waveforms))[:, 0], wanted.embed(waveforms))


# Errors


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: (run / "encoder.json").unlink(), "no encoder.json"),
        (lambda run: (run / "classes.json").write_text("{"), "cannot be used"),
        (lambda run: (run / "classes.json").unlink(), "no classes.json"),
    ],
)
def test_run_that_is_not_whole(tmp_path, spoil, message):
    """One error."""
    run = finished_classification(tmp_path / "run")
    spoil(run)
    with pytest.raises(InputError, match=message):
        load_classifier(run)


def test_damaged_export(tmp_path):
    """A head that is cut off."""
    run = finished_classification(tmp_path / "run")
    folder = export_classifier(run, tmp_path / "out")
    head = folder / "head.ckpt"
    head.write_bytes(head.read_bytes()[:-100])
    with pytest.raises(InputError, match="head.ckpt cannot be used: .* export the run"):
        load_classifier(folder)


def test_models_of_another_kind(tmp_path, capsys):
    """A recogniser has no classes, and classes have no languages to choose from."""
    recognition = finished_run(tmp_path / "asr")
    with pytest.raises(InputError, match="no classes.json; it is one of recognition"):
        load_classifier(recognition)
    recogniser = export_recogniser(recognition, tmp_path / "out")
    with pytest.raises(InputError, match="is an exported recogniser; it has no class"):
        load_classifier(recogniser)
    argv = ["export", recognition, tmp_path / "new", "--layout", "fairseq"]
    code, _, [line] = fails(capsys, *argv)
    assert (code, "is for classification runs" in line) == (2, True)
    run = finished_classification(tmp_path / "run")
    code, _, [line] = fails(capsys, "export", run, tmp_path / "new", "--language", "fr")
    assert (code, "name no language" in line) == (2, True)
    code, _, [line] = fails(capsys, "export", run, tmp_path / "out")
    assert (code, "exists already" in line) == (2, True)
