from __future__ import annotations

import numpy as np
import pyarrow as pa

from lakehouse_nlp.model.stacked import Rows, Spec

GOOD, BAD, DULL = "great love works well", "broken awful returned it", "the a camera phone"


def reviews(n: int, classes: int = 2, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Texts whose words say, mostly, which class they are of."""
    rng = np.random.default_rng(seed)
    names = np.array(["negative", "positive", "so-so"][:classes])
    labels = rng.choice(names, n)
    words = {"negative": BAD.split(), "positive": GOOD.split(), "so-so": ["okay", "average", "fine", "meh"]}
    mixed = [rng.choice([*words[label], *words[rng.choice(names)], *DULL.split()], 12) for label in labels]
    return [" ".join(text) for text in mixed], labels


def rows_of(spec: Spec, texts: list[str], labels: np.ndarray, seed: int = 0) -> Rows:
    """The texts with a number and a category that tell a little, each missing here and there."""
    rng = np.random.default_rng(seed)
    number = (labels == "positive") + rng.normal(size=len(labels))
    number[::7] = np.nan
    category = rng.choice(np.array(["camera", "phone", None], dtype=object), len(labels))
    return Rows(spec.vectoriser.counts(pa.array(texts)), number[:, None], category[:, None])
