"""`python trainer.py HOME FRAME`: trains on the home's gold, keeps what the model says of the frame, and registers it.

What the model in memory says of the rows of FRAME (Parquet) is written to FRAME.npz; the version is printed.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from lakehouse_nlp.core.context import Context
from lakehouse_nlp.model.pyfunc import frame_to_rows
from lakehouse_nlp.model.stacked import fit
from lakehouse_nlp.train import blocks
from lakehouse_nlp.train.evaluation import figures
from lakehouse_nlp.train.log import log
from lakehouse_nlp.train.material import specification


def train(home: Path, frame: Path) -> None:
    with closing(Context.open(home, "demo")) as ctx:
        spec = specification(ctx.settings)
        data = blocks.collect(ctx.tables.read("gold").where("label IS NOT NULL"), spec)
        train, validation, test = (data.part(split) for split in ("train", "validation", "test"))
        model = fit(train.rows, train.labels, spec, threads=os.cpu_count() or 1)
        proba = model.outputs(frame_to_rows(pd.read_parquet(frame), spec))
        np.savez(frame.with_suffix(".npz"), proba=proba, classes=np.array(model.classes))
        made = log(ctx, model, figures(model, train, validation, test), {"made_by": "trainer.py"})
        sys.stdout.write(f"{made.number}\n")


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[2]))
