"""MurmurHash3 (x86, 32 bits) of many pieces of a text at once: what Spark ML's HashingTF makes of each.

After Austin Appleby's MurmurHash3_x86_32. A library's call for each term was half the time of scoring; numpy takes the
n-th four bytes of all pieces that have them, longest pieces first.
"""

from __future__ import annotations

import mmh3
import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
Words = NDArray[np.uint32]

CHUNK = 1 << 15  # pieces at a time, whose state stays in a core's own cache
LONG = 256  # bytes; a piece of more is hashed by the library, alone
C1, C2, STEP = np.uint32(0xCC9E2D51), np.uint32(0x1B873593), np.uint32(0xE6546B64)
KEPT = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF], np.uint32)
FINAL1, FINAL2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)


def murmur3(content: NDArray[np.uint8], starts: Places, sizes: Places, seed: int) -> NDArray[np.int32]:
    """The signed hash of each piece of the content: from `starts`, so many bytes; n of them."""
    padded = np.zeros(len(content) + 4, np.uint8)
    padded[:-4] = content
    # The four bytes from each place on, as a little-endian number; numpy takes them faster where they are aligned.
    words = np.ndarray((len(content) + 1,), np.dtype("<u4"), padded.data, 0, (1,)).copy()
    hashes = np.empty(len(starts), np.uint32)
    for first in range(0, len(starts), CHUNK):
        some = slice(first, first + CHUNK)
        hashes[some] = _hashed(words, starts[some], np.minimum(sizes[some], LONG), seed)
    for place in np.flatnonzero(sizes > LONG).tolist():
        piece = content[starts[place] : starts[place] + sizes[place]]
        hashes[place] = mmh3.hash(piece.tobytes(), seed, signed=False)
    return hashes.view(np.int32)


def _hashed(words: Words, starts: Places, sizes: Places, seed: int) -> Words:
    blocks = sizes >> 2
    longest_first = np.argsort(blocks.astype(np.uint8), kind="stable")[::-1]  # of so few bits, a radix sort
    starts, sizes, blocks = starts[longest_first], sizes[longest_first], blocks[longest_first]
    state = np.full(len(starts), seed, np.uint32)
    going = len(blocks) - np.searchsorted(blocks[::-1], np.arange(1, blocks[0] + 1))
    for count in going.tolist():
        mixed = _rotated(state[:count] ^ _mixed(words[starts[:count]]), 13)
        state[:count] = mixed * np.uint32(5) + STEP
        starts[:count] += 4
    state ^= _mixed(words[starts] & KEPT[sizes & 3])
    state ^= sizes.astype(np.uint32)
    for shift, factor in ((16, FINAL1), (13, FINAL2)):
        state = (state ^ (state >> np.uint32(shift))) * factor
    state ^= state >> np.uint32(16)
    hashes = np.empty_like(state)
    hashes[longest_first] = state
    return hashes


def _mixed(word: Words) -> Words:
    return _rotated(word * C1, 15) * C2


def _rotated(word: Words, bits: int) -> Words:
    return (word << np.uint32(bits)) | (word >> np.uint32(32 - bits))
