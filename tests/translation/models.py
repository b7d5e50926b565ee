"""Random speech translation models of transformers, which are given clips alone."""

from functools import cache

import torch
import transformers

from tests.checkpoints.peers import SIZES as ENCODER
from tests.checkpoints.peers import hf_inputs, padded, shaken, utterances

EOS = START = 2
LENGTHS = (8_000, 5_555, 400, 3_300)
DECODER = {
    "vocab_size": 50,
    "d_model": 24,
    "decoder_layers": 2,
    "decoder_ffn_dim": 40,
    "decoder_attention_heads": 3,
    "encoder_layers": 3,  # transformers' cache has as many layers as this
    "encoder_attention_heads": 3,
    "encoder_ffn_dim": 8,
    "max_position_embeddings": 30,
    "scale_embedding": True,
}
ADAPTER = {"add_adapter": True, "output_hidden_size": 24, "mask_time_prob": 0.0}
CASES = {  # fields of the encoder and of the decoder
    "projection, tied": (ADAPTER, {}),
    "no projection, untied": (
        {**ADAPTER, "hidden_size": 24, "mask_time_prob": 0.05},
        {"tie_word_embeddings": False},
    ),
    "projection behind, plain embeddings": (
        {**ADAPTER, "output_hidden_size": 32, "num_adapter_layers": 1},
        {"scale_embedding": False, "activation_function": "relu"},
    ),
    "odd sizes": (
        {**ADAPTER, "output_hidden_size": 35, "num_adapter_layers": 2}
        | {"adapter_stride": 3, "hidden_size": 40, "num_attention_heads": 5},
        {"d_model": 35, "decoder_attention_heads": 7, "decoder_layers": 3}
        | {"vocab_size": 53, "decoder_ffn_dim": 17, "max_position_embeddings": 21},
    ),
    "no adapter": ({"mask_time_prob": 0.0}, {}),
}


def speech_model(case="projection, tied", *, sure=False, **tokens):
    """Random ``SpeechEncoderDecoderModel``; each parameter is random.

    If it is to be sure of itself, sentences end, and differ from clip to clip.
    """
    encoder, decoder = CASES[case]
    decoder = {**decoder, "init_std": 0.7} if sure else decoder
    torch.manual_seed(5)
    model = transformers.SpeechEncoderDecoderModel(
        transformers.SpeechEncoderDecoderConfig.from_encoder_decoder_configs(
            transformers.Wav2Vec2Config(**{**ENCODER, **encoder}),
            transformers.MBartConfig(**{**DECODER, **decoder}),
        )
    )
    shaken(model)
    if sure:
        model.decoder.lm_head.weight.data[EOS] *= 1.4
    special = {"decoder_start_token_id": START, "pad_token_id": 1, "bos_token_id": 0}
    for name, token in {**special, "eos_token_id": EOS, **tokens}.items():
        setattr(model.generation_config, name, token)
    return model


@cache
def clips():
    """Waveforms, not normalised, of unlike lengths."""
    return tuple(utterances(LENGTHS))


def batch():
    """All of them [B, T], with noise in the padding, and their numbers of samples."""
    return padded(clips())


def texts(num_words=50):
    """Tokens [B, U] from the start on, with ids of words in the padding; lengths."""
    generator = torch.Generator().manual_seed(6)
    shape = len(LENGTHS), 9
    tokens = torch.randint(3, num_words, shape, generator=generator)
    tokens[:, 0] = START
    return tokens, torch.tensor([9, 4, 6, 1])


def logits_alone(model, tokens, num_tokens):
    """Logits [U, V] of each clip, which transformers is given alone."""
    rows = zip(clips(), tokens, num_tokens.tolist(), strict=True)
    return [
        model(**hf_inputs([clip]), decoder_input_ids=row[None, :count]).logits[0]
        for clip, row, count in rows
    ]


def generated_alone(model, **options):
    """Tokens of each clip behind the start, which transformers is given alone."""
    found = []
    for clip in clips():
        (sequence,) = model.generate(**hf_inputs([clip]), **options).tolist()
        assert sequence.pop(0) == START
        found.append([token for token in sequence if token not in (EOS, 1)])
    return found
