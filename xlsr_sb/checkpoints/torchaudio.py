"""Parameter names of torchaudio's ``wav2vec2_model``."""

from xlsr_sb.checkpoints.naming import layer_pairs

WEIGHT = "encoder.transformer.pos_conv_embed.conv.parametrizations.weight"
CONV = "feature_extractor.conv_layers.{i}"
PAIRS = (
    (
        "feature_extractor.layers.{i}.norm",
        "feature_extractor.conv_layers.{i}.layer_norm",
    ),
    ("feature_extractor.layers.{i}", "feature_extractor.conv_layers.{i}.conv"),
    ("feature_norm", "encoder.feature_projection.layer_norm"),
    ("feature_projection", "encoder.feature_projection.projection"),
    ("positions.magnitude", f"{WEIGHT}.original0"),
    ("positions.direction", f"{WEIGHT}.original1"),
    ("positions.bias", "encoder.transformer.pos_conv_embed.conv.bias"),
    *layer_pairs("transformer.layers.{i}", "encoder.transformer.layers.{i}"),
    ("transformer.norm", "encoder.transformer.layer_norm"),
)
