"""Text to a sparse matrix of n-gram counts, hashed or by a vocabulary: the one vectoriser of training and of serving.

A hashed n-gram is a piece of the text, and its hash that of Spark ML's HashingTF (MurmurHash3 x86 32-bit, seed 42).
Where terms have to be told apart, tokens become indices into a dictionary once, by Arrow: n-grams are then numbers, and
only distinct terms are strings again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lakehouse_nlp.model.murmur import murmur3
from lakehouse_nlp.model.tokens import Tokens, bytes_of

HASH_SEED = 42

Ints = NDArray[np.int64]
Cells = NDArray[np.integer[Any]]  # row times buckets, plus column


@dataclass(frozen=True)
class Vectoriser:
    """Counts of the 1-grams to `ngrams`-grams of a text, in `buckets` columns: hashed, or by their place in the
    vocabulary (of `buckets` terms) where there is one. None at all with 0 buckets.

    `sublinear` weighs a term by 1 + ln(count) in place of the count.
    """

    buckets: int
    ngrams: int
    sublinear: bool
    vocabulary: tuple[str, ...] = ()

    def counts(self, text: pa.Array | pa.ChunkedArray) -> csr_matrix:
        """Raw term counts, len(text) x buckets, float32, indices sorted and without duplicates.

        `text` holds strings of tokens between single blanks; null is an empty text. An n-gram is its tokens joined by
        one blank, and never spans two rows.
        """
        if not self.buckets:
            return csr_matrix((len(text), 0), dtype=np.float32)
        return _count(np.concatenate(list(self._cells(text))), (len(text), self.buckets))

    def tf(self, counts: csr_matrix) -> csr_matrix:
        """Term frequencies of raw counts, of the same shape and pattern, float64."""
        data = counts.data.astype(np.float64)
        weights = 1.0 + np.log(data) if self.sublinear else data
        return csr_matrix((weights, counts.indices, counts.indptr), shape=counts.shape)

    def terms(self, text: pa.Array | pa.ChunkedArray, wanted: Collection[int]) -> dict[int, str]:
        """The term that fell most often into each wanted bucket, ties to the alphabetically first.

        Hashing is one-way, so a name can only come from texts that have the term: buckets none of these texts hit are
        left out.
        """
        found: list[tuple[int, int, str]] = []
        for _, ids, terms in ngrams(text, self.ngrams):
            hashed, often = self._column(terms), np.bincount(ids, minlength=len(terms))
            kept = np.flatnonzero(np.isin(hashed, list(wanted)) & (often > 0))
            names = terms.take(pa.array(kept)).to_pylist()
            found += zip(hashed[kept].tolist(), (-often[kept]).tolist(), names, strict=True)
        return {bucket: term for bucket, _, term in sorted(found, reverse=True)}

    def rows_with(self, text: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, Ints]:
        """Every distinct term of the texts, and in how many of them it is: what a vocabulary is chosen from."""
        found = [(terms, _rows_with(rows, ids, len(terms))) for rows, ids, terms in ngrams(text, self.ngrams)]
        often = np.concatenate([rows for _, rows in found])
        there = np.flatnonzero(often)  # a run of tokens that spans two rows is in none
        return pa.concat_arrays([terms for terms, _ in found]).take(pa.array(there)), often[there]

    def _cells(self, text: pa.Array | pa.ChunkedArray) -> Iterator[Cells]:
        """The cell of each 1-gram, then of each 2-gram …"""
        if self.vocabulary:
            for rows, ids, terms in ngrams(text, self.ngrams):
                columns = places_in(self.vocabulary, terms)[ids]
                yield (rows * self.buckets + columns)[columns >= 0]
            return
        tokens = Tokens.of(text)
        first: Cells = tokens.rows.astype(_cell_type(len(text), self.buckets)) * self.buckets
        for n in range(1, self.ngrams + 1):
            rows, starts, sizes, whole = tokens.grams(n)
            cells = first[: len(rows)] + _modulo(murmur3(tokens.content, starts, sizes, HASH_SEED), self.buckets)
            yield cells if whole is None else cells[whole]

    def _column(self, terms: pa.Array) -> Ints:
        """The column of each term; -1 for one that is not in the vocabulary."""
        if self.vocabulary:
            return places_in(self.vocabulary, terms)
        content, bounds = bytes_of(terms)
        return murmur3(content, bounds[:-1], np.diff(bounds), HASH_SEED).astype(np.int64) % self.buckets


def ngrams(text: pa.Array | pa.ChunkedArray, longest: int) -> Iterator[tuple[Ints, Ints, pa.Array]]:
    """For n = 1 to `longest`: the row of each n-gram, its index among the distinct ones, and these as strings."""
    rows, tokens = _tokens(text)
    ids, words = _encode(tokens)
    level, terms = ids, words
    yield rows, level, terms
    for n in range(2, longest + 1):
        inside = rows[: 1 - n] == rows[n - 1 :] if len(rows) >= n else np.zeros(0, dtype=bool)
        codes = level[: len(inside)] * max(len(words), 1) + ids[n - 1 :][: len(inside)]
        level, distinct = _encode(pa.array(codes))
        first, last = np.divmod(distinct.to_numpy(zero_copy_only=False), max(len(words), 1))
        terms = pc.binary_join_element_wise(
            terms.take(pa.array(first)), words.take(pa.array(last)), pa.scalar(" ", pa.large_string())
        )
        yield rows[: len(inside)][inside], level[inside], terms


def places_in(vocabulary: Sequence[str], terms: pa.Array) -> Ints:
    """The place of each term in the vocabulary; -1 for one that is not there."""
    places = pc.index_in(terms, value_set=pa.array(vocabulary, pa.large_string()))
    return np.asarray(pc.fill_null(places, -1), dtype=np.int64)


def _tokens(text: pa.Array | pa.ChunkedArray) -> tuple[Ints, pa.Array]:
    """The tokens of all rows in a row, and the row of each."""
    whole = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    lists = pc.split_pattern(pc.fill_null(whole.cast(pa.large_string()), ""), " ")
    rows = np.repeat(np.arange(len(lists)), pc.list_value_length(lists).to_numpy(zero_copy_only=False))
    tokens = lists.flatten()
    full = pc.not_equal(tokens, "")
    return rows[full.to_numpy(zero_copy_only=False)], tokens.filter(full)


def _encode(values: pa.Array) -> tuple[Ints, pa.Array]:
    """Each value's index among the distinct ones, and these in order of appearance."""
    encoded = values.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def _rows_with(rows: Ints, ids: Ints, terms: int) -> Ints:
    """In how many rows each of the terms is."""
    pairs = np.unique(rows * max(terms, 1) + ids)
    return np.bincount(pairs % max(terms, 1), minlength=terms)


def _count(cells: Cells, shape: tuple[int, int]) -> csr_matrix:
    """How often each cell occurs. Sorts `cells`."""
    cells.sort()
    first = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]])[: len(cells)])
    often = np.diff(first, append=len(cells)).astype(np.float32)
    there = cells[first]
    bounds = np.searchsorted(there, np.arange(shape[0] + 1, dtype=there.dtype) * shape[1])
    return csr_matrix((often, _modulo(there, shape[1]), bounds), shape=shape)


def _cell_type(rows: int, buckets: int) -> np.dtype[Any]:
    """Half the memory, where it is enough for all cells and the bound after them."""
    return np.dtype(np.int32 if (rows + 1) * buckets < 1 << 31 else np.int64)


def _modulo(values: Cells, divisor: int) -> Cells:
    """The remainder, never negative; of a power of two without a division."""
    return values & (divisor - 1) if divisor & (divisor - 1) == 0 else values % divisor
