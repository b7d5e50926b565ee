"""Name, version, dependencies and extras; what tools read is in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
PACKAGE = (HERE / "xlsr_sb" / "__init__.py").read_text(encoding="utf-8")
README = HERE / "README.md"

REQUIRED = [
    # torchaudio 2.11 is its last release, and it refuses to load beside a torch that
    # was built for another CUDA than 13.0; torch 2.15 is built for 13.2.
    "torch>=2.9,<2.15",
    "torchaudio>=2.9",
    "speechbrain>=1.1.2",
    "hyperpyyaml>=1.2.3",  # brings ruamel.yaml in the version that it can read
    "sentencepiece",
    "sacrebleu>=2.0",
    "jiwer>=4.0",
    "soundfile",
    "numpy",
    "scipy>=1.15",  # k-means of acoustic units, isotonic fits
    "huggingface-hub",
    "rapidfuzz",  # under jiwer
    "pillow",  # under matplotlib
    "safetensors",
    "tqdm",
    "matplotlib",
]
EXTRAS = {
    "lm": [  # beam search in C++, the paper's decoder, with KenLM compiled in
        'flashlight-text; python_version < "3.13"',
        # The same code in wheels for 3.13 too, from the authors of UDPipe.
        'ufal.flashlight-text; python_version >= "3.13"',
    ],
    "scale": ["webdataset", "submitit"],  # tar shards, SLURM
    "synth": ["espeakng-loader"],  # synthetic speech; GPL-3, so never required
    "bench": ["transformers"],  # the library that the encoder is measured beside
    "debian": ["G722>=1.2.8"],  # decodes the telephone prompts of the demo
}
EXTRAS["dev"] = [
    *EXTRAS["bench"],  # in tests a reference; nothing else of the package imports it
    *EXTRAS["debian"],
    *EXTRAS["lm"],
    *EXTRAS["synth"],
    "codespell",
    "hypothesis",
    "pre-commit",
    "protobuf",  # transformers reads models of sentencepiece by it
    "pytest>=8.1",
    "pytest-timeout",
    "pytest-xdist",
    "ruff>=0.17,<0.18",  # another version formats otherwise
    "webdataset",  # in tests only: reads our shards
    "yamllint",
]

setup(
    name="xlsr-sb",
    version=re.search(r'^__version__ = "(.+)"', PACKAGE, re.MULTILINE).group(1),
    description="XLS-R for SpeechBrain: recipes on one exact, fast encoder",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["xlsr_sb", "xlsr_sb.*"]),
    package_data={"xlsr_sb": ["pretrained/*/*"]},
    install_requires=REQUIRED,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["xlsr-sb = xlsr_sb.cli:main"]},
)
