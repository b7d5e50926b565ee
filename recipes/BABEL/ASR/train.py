"""Fine-tune XLS-R with CTC on one language of BABEL.

python train.py hparams/xlsr_300m.yaml --data_folder /data/BABEL_OP3_404 --language ka
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.recognition import Recognition

if __name__ == "__main__":
    main(Recognition, recipe=__file__)
