"""Tell languages apart on the speech inside Debian packages.

python train.py hparams/xlsr_tiny.yaml
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.classification import Classification

if __name__ == "__main__":
    main(Classification, recipe=__file__)
