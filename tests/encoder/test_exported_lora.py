"""A run with adapters, exported: their merged weights, which SpeechBrain loads."""

import torch
from speechbrain.inference.ASR import EncoderASR

from tests import finished_run
from xlsr_sb.encoder.lora import is_adapter
from xlsr_sb.export import export_recogniser, load_transcriber


def test_export_merges_adapters(tmp_path, monkeypatch):
    """The run, the folder by us and the folder by SpeechBrain say the same."""
    plain = finished_run.modules

    def adapted(update):
        parts = plain(update)
        for name, parameter in parts["encoder"].named_parameters():
            if name.endswith(".lora_up"):
                torch.nn.init.normal_(parameter)
        return parts

    monkeypatch.setitem(finished_run.SIZES, "lora_rank", 2)
    monkeypatch.setattr(finished_run, "modules", adapted)
    run = finished_run.finished_run(tmp_path / "run")
    of_run = load_transcriber(run)
    assert any(map(is_adapter, of_run.encoder.state_dict()))
    exported = export_recogniser(run, tmp_path / "exported")
    ours = load_transcriber(exported)
    theirs = EncoderASR.from_hparams(source=str(exported))
    waveforms, num_samples = torch.randn(2, 16_000), torch.tensor([16_000, 9_000])
    wanted = of_run.encoder.encode(waveforms, num_samples).features
    for encoder in (ours.encoder, theirs.mods.encoder.encoder):
        assert not any(map(is_adapter, encoder.state_dict()))
        found = encoder.encode(waveforms, num_samples).features
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
