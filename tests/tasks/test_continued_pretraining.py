"""Pretraining that starts from weights, and what it leaves for others to start from.

Seen to fail: a source that is not looked at, a head that is not loaded, one that is
not written.
"""

import logging
from functools import partial

import pytest
import torch
import transformers

from tests.checkpoints.peers import fairseq_model, hf_model, pretrained_content
from tests.tasks.pretraining_brain import make_pretraining, masking, units_of
from tests.training.harness import differing
from xlsr_sb import XLSR
from xlsr_sb.checkpoints import PRETRAINING, read_checkpoint
from xlsr_sb.cli import main
from xlsr_sb.errors import InputError
from xlsr_sb.heads.pretraining import PretrainingHead
from xlsr_sb.tasks.pretraining import Pretraining
from xlsr_sb.tasks.unlabelled import Unlabelled

HUGGINGFACE = {  # of tests.checkpoints.peers.hf_model
    "code_dim": 16,
    "target_dim": 24,
    "num_groups": 2,
    "num_entries": 4,
}
FAIRSEQ = {"code_dim": 10, "target_dim": 12, "num_groups": 2, "num_entries": 3}


def built(source, sizes, units=None):
    """Head that a run builds on the encoder of a source, and one that has no source."""
    encoder = XLSR.from_pretrained(str(source))
    labels = Unlabelled({}, units)
    heads = []
    for given in (str(source), None):
        torch.manual_seed(5)
        hparams = {"encoder": {"source": given}}
        hparams["head"] = {"module": partial(PretrainingHead, **sizes)}
        heads.append(Pretraining.build_head(hparams, encoder, labels))
    return [head.state_dict() for head in heads]


@pytest.fixture
def log(caplog):
    """What is told at INFO."""
    caplog.set_level(logging.INFO, logger="xlsr_sb")
    return caplog


def test_from_a_folder_of_transformers(tmp_path, log):
    """Quantiser and projections are taken, by their names there."""
    model = hf_model("Wav2Vec2ForPreTraining")
    model.save_pretrained(tmp_path)
    found, _ = built(tmp_path, HUGGINGFACE)
    wanted = {
        "quantizer.codevectors": model.quantizer.codevectors,
        "quantizer.projection.weight": model.quantizer.weight_proj.weight,
        "quantizer.projection.bias": model.quantizer.weight_proj.bias,
        "target_projection.weight": model.project_q.weight,
        "target_projection.bias": model.project_q.bias,
        "context_projection.weight": model.project_hid.weight,
        "context_projection.bias": model.project_hid.bias,
    }
    assert differing(found, wanted) == []
    assert f"quantiser and projections are those of {tmp_path}" in log.text


def test_from_a_file_of_fairseq(tmp_path, log):
    """Likewise, out of all that a pretraining of fairseq saves."""
    model = fairseq_model()
    torch.save(pretrained_content(model), tmp_path / "a.pt")
    found, _ = built(tmp_path / "a.pt", FAIRSEQ)
    wanted = {
        "quantizer.codevectors": model.quantizer.vars,
        "quantizer.projection.weight": model.quantizer.weight_proj.weight,
        "quantizer.projection.bias": model.quantizer.weight_proj.bias,
        "target_projection.weight": model.project_q.weight,
        "target_projection.bias": model.project_q.bias,
        "context_projection.weight": model.final_proj.weight,
        "context_projection.bias": model.final_proj.bias,
    }
    assert differing(found, wanted) == []
    assert "quantiser and projections are those of" in log.text


@pytest.mark.parametrize("kind", ["Wav2Vec2Model", "Wav2Vec2ForCTC"])
def test_from_an_encoder_alone(tmp_path, log, kind):
    """Quantiser and projections start at random, as without a source."""
    hf_model(kind).save_pretrained(tmp_path)
    found, fresh = built(tmp_path, HUGGINGFACE)
    assert differing(found, fresh) == []
    assert f"{tmp_path} has no quantiser; it starts at random" in log.text
    assert "those of" not in log.text


def test_units_are_always_new(tmp_path, corpus, log):
    """No layout has a place for the layer that predicts them."""
    hf_model("Wav2Vec2ForPreTraining").save_pretrained(tmp_path)
    sizes = HUGGINGFACE | {"unit_weight": 1.0}
    found, fresh = built(tmp_path, sizes, units_of(corpus))
    same = set(found) - set(differing(found, fresh))
    assert same == {"unit_projection.weight", "unit_projection.bias"}
    assert "are those of" in log.text


@pytest.mark.parametrize("size", ["code_dim", "target_dim", "num_entries"])
def test_a_head_of_other_sizes(tmp_path, size):
    """The error names a tensor, and what to give."""
    hf_model("Wav2Vec2ForPreTraining").save_pretrained(tmp_path)
    message = rf"{tmp_path}: \w+\S* is \[.*\], this head's is \[.*\]; give .*{size}"
    with pytest.raises(InputError, match=message):
        built(tmp_path, HUGGINGFACE | {size: 32})


# What is left behind


@pytest.fixture
def finished(tmp_path, corpus, encoder_config, capsys):
    """A brain with units, and the folder that it has written."""
    brain = make_pretraining(
        tmp_path, corpus, masking(encoder_config), units=units_of(corpus)
    )
    with torch.no_grad():
        for parameter in brain.modules.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    brain.finish(tmp_path)
    folder = tmp_path / "pretrained"
    assert capsys.readouterr().out == f"pretrained encoder: {folder}\n"
    return brain, folder


def test_transformers_reads_every_tensor(finished):
    """As a model for pretraining; nothing is missing, and nothing is too much."""
    brain, folder = finished
    model, told = transformers.Wav2Vec2ForPreTraining.from_pretrained(
        folder, output_loading_info=True
    )
    assert {name for name, problems in told.items() if problems} == set()
    own = {**brain.modules.encoder.state_dict(), **brain.modules.head.state_dict()}
    units = {name for name in own if name.startswith("unit_")}
    assert len(units) == 2
    peers = [tensor.flatten() for tensor in model.state_dict().values()]
    ours = [tensor.flatten() for name, tensor in own.items() if name not in units]
    # Ours has the three projections of attention in one tensor.
    assert sum(map(len, peers)) == sum(map(len, ours))
    assert torch.equal(*(torch.cat(one).sort().values for one in (peers, ours)))
    head = brain.modules.head
    assert torch.equal(model.quantizer.codevectors, head.quantizer.codevectors)
    assert torch.equal(model.project_q.weight, head.target_projection.weight)
    assert torch.equal(model.project_hid.weight, head.context_projection.weight)
    waveform = torch.randn(1, 8_000)
    with torch.no_grad():
        mean, std = waveform.mean(), waveform.var(correction=0).add(1e-5).sqrt()
        theirs = model.wav2vec2.eval()((waveform - mean) / std).last_hidden_state
        mine = brain.modules.encoder.eval()(waveform)
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_we_read_every_tensor(finished):
    """Encoder and head, to go on from."""
    brain, folder = finished
    encoder = XLSR.from_pretrained(str(folder))
    assert differing(encoder.state_dict(), brain.modules.encoder.state_dict()) == []
    settings = vars(brain.modules.head.settings) | {"unit_weight": 0.0}
    head = PretrainingHead(encoder.config, 0, **settings)
    assert head.load_from(read_checkpoint(folder))
    wanted = {
        name: tensor
        for name, tensor in brain.modules.head.state_dict().items()
        if not name.startswith("unit_")
    }
    assert differing(head.state_dict(), wanted) == []


def test_it_converts_to_fairseq_with_its_heads(finished, tmp_path, capsys):
    """Quantiser and projections too, and nothing is drawn anew."""
    _, folder = finished
    main(["convert", str(folder), str(tmp_path / "fairseq"), "--to", "fairseq"])
    out = capsys.readouterr().out
    assert "quantizer and projections of pretraining" in out
    assert "drawn anew" not in out
    before, after = (read_checkpoint(f) for f in (folder, tmp_path / "fairseq"))
    assert after.layout == "fairseq"
    assert differing(after.head(PRETRAINING), before.head(PRETRAINING)) == []
    assert differing(after.encoder, before.encoder) == []


def test_it_is_written_again_over_itself(finished):
    """A run that is started again when it is done."""
    brain, folder = finished
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    brain.finish(folder.parent)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert set(before) == {
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
    }
