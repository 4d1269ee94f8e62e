"""`python train_jobs.py JOB HOME …`: one job of `train.py`, in a process of its own; prints a line of JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import reviews
from reviews import PROJECT

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # for both sides: busy cores punish threads that spin
FIGURES = ("accuracy", "roc_auc", "f1_macro", "log_loss")


def prepared(home: Path, rows: str) -> dict[str, Any]:
    """Writes gold from a Parquet file."""
    from lakehouse_nlp.core.context import Context

    return reviews.prepared(Context.open(home, PROJECT), Path(rows))


def ours(home: Path, engine: str) -> dict[str, Any]:
    """The stage, from gold to a registered candidate with its card."""
    from lakehouse_nlp import train
    from lakehouse_nlp.core.context import Context
    from lakehouse_nlp.core.registry import Registry

    ctx = Context.open(home, PROJECT, sets=[f"train.engine={engine}"] if engine != "-" else [])
    ctx.sign("train")
    begun = time.monotonic()
    result = train.run(ctx)
    stage = time.monotonic() - begun
    version = Registry(ctx).newest()
    assert version is not None
    metrics = Registry(ctx).metrics(version)
    return {"rows": result.read, "stage": stage, "note": result.note, **{f: metrics["test"][f] for f in FIGURES}}


def by_hand(home: Path, folds: str) -> dict[str, Any]:
    """What one writes in an afternoon: scikit-learn's vectoriser, regression and selection, then XGBoost; a pickle.

    Rows are dealt into folds as ours are: else the dealing alone would move the figures of few test rows by more than
    the aim.
    """
    import pickle

    import numpy as np
    import xgboost
    from deltalake import DeltaTable
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.feature_selection import SelectKBest, chi2
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score
    from sklearn.model_selection import PredefinedSplit, cross_val_predict

    from lakehouse_nlp.model.rows import folds_of

    table = DeltaTable(str(home / "lake" / PROJECT / "tables/gold"))
    gold = table.to_pandas(columns=["key", "label", "split", "clean_text", "category"])
    gold = gold[gold["label"].notna()].sort_values("key", ignore_index=True)
    train, test = gold[gold["split"] == "train"], gold[gold["split"] == "test"]
    y, truth = (part["label"].eq("positive").to_numpy() for part in (train, test))
    counts = HashingVectorizer(
        n_features=2**18, ngram_range=(1, 2), alternate_sign=False, norm=None, tokenizer=str.split, token_pattern=None,
        lowercase=False,
    )  # fmt: skip
    weigh = TfidfTransformer(sublinear_tf=True)
    terms, unseen = weigh.fit_transform(counts.transform(train["clean_text"])), counts.transform(test["clean_text"])
    linear = LogisticRegression(C=8.0, max_iter=1000)
    dealt = PredefinedSplit(folds_of(y.astype(np.int64), int(folds), 0))
    scores = cross_val_predict(linear, terms, y, cv=dealt, method="decision_function")
    linear.fit(terms, y)
    select = SelectKBest(chi2, k=3000).fit(terms, y)
    known = sorted(train["category"].dropna().unique())

    def features(part: Any, score: Any, weights: Any) -> csr_matrix:
        codes = part["category"].map({name: float(k) for k, name in enumerate(known)}).to_numpy()
        dense = np.column_stack([score, codes]).astype(np.float32)
        written = (dense.ravel(), np.tile([0, 1], len(dense)), np.arange(len(dense) + 1) * 2)
        return hstack([csr_matrix(written, dense.shape), select.transform(weights).astype(np.float32)], format="csr")

    types = ["q", "c", *["q"] * 3000]

    def matrix(found: csr_matrix, label: Any = None) -> xgboost.DMatrix:
        return xgboost.DMatrix(found, label, feature_types=types, enable_categorical=True)

    params = {"objective": "binary:logistic", "max_depth": 4, "learning_rate": 0.1, "max_bin": 64, "seed": 0}
    params |= {"nthread": len(os.sched_getaffinity(0))}
    booster = xgboost.train(params, matrix(features(train, scores, terms), y), 200)
    weights = weigh.transform(unseen)
    proba = booster.predict(matrix(features(test, linear.decision_function(weights), weights)))
    with (home / "by_hand.pickle").open("wb") as file:
        pickle.dump((counts, weigh, linear, select, known, booster), file)
    said = proba >= 0.5
    figures = accuracy_score(truth, said), roc_auc_score(truth, proba), f1_score(truth, said, average="macro")
    return {"rows": len(gold), **dict(zip(FIGURES, (*map(float, figures), float(log_loss(truth, proba))), strict=True))}


JOBS = {"prepared": prepared, "ours": ours, "by_hand": by_hand}

if __name__ == "__main__":
    name, home, given = sys.argv[1:]
    print(json.dumps(JOBS[name](Path(home), given)), flush=True)
