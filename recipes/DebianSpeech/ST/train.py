"""Translate the speech inside Debian packages: xlsr-tiny with a small decoder.

python train.py hparams/tiny.yaml --pairs x_en
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.translation import Translation

if __name__ == "__main__":
    main(Translation, recipe=__file__)
