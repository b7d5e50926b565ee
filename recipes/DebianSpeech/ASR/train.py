"""Fine-tune XLS-R with CTC on the speech inside Debian packages.

python train.py hparams/demo.yaml
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.recognition import Recognition

if __name__ == "__main__":
    main(Recognition, recipe=__file__)
