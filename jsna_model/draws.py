"""The only place where randomness is made: named streams (law 5).

A stream's key is the 128-bit BLAKE2b of ``"<seed>|<name>"`` and drives Philox; uniforms are
``((raw >> 11) + 0.5) * 2**-53`` and normals their inverse CDF, so draw *i* of a stream depends on nothing but seed, name and *i*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]


def uniforms(seed: int, name: str, n: int) -> Array:
    """First `n` uniforms of a named stream.

    Parameters
    ----------
    seed : int
    name : str
        Stream name, such as ``evidence/ALC-01`` or ``area/E06000042/domestic_abuse``. Scenario names never occur in it.
    n : int

    Returns
    -------
    ndarray, shape (n,)
        Inside (0, 1).

    References
    ----------
    Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3 (Philox).
    """
    key = int.from_bytes(blake2b(f"{seed}|{name}".encode(), digest_size=16).digest(), "little")
    raw = np.random.Philox(key=key).random_raw(n)
    return ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(seed: int, name: str, n: int) -> Array:
    """First `n` standard normals of a named stream, shape (n,)."""
    values: Array = ndtri(uniforms(seed, name, n))
    return values


def normals_of(seed: int, names: Sequence[str], n: int) -> Array:
    """Standard normals of several streams, shape (len(names), n)."""
    raw = np.empty((len(names), n))
    for i, name in enumerate(names):
        raw[i] = uniforms(seed, name, n)
    values: Array = ndtri(raw)
    return values


#: Draws in one block of process noise: a draw's noise depends on its place in its block and on the block, not on how many are drawn.
NOISE_BLOCK = 64


def process_noise(
    seed: int, name: str, draws: int, scenarios: bool = False, first_block: int = 0
) -> Callable[[str, int, tuple[int, ...]], Array]:
    """Uniforms of process noise for `jsna_model.methods.stock_flow.simulate`: the same for every scenario.

    Parameters
    ----------
    seed : int
    name : str
        Of what is simulated, such as an area's code.
    draws : int
    scenarios : bool
        Whether lanes are (scenario, draw) and not (draw).
    first_block : int
        Block of the first draw, where draws are run in several calls; each call but the last takes whole blocks.

    Returns
    -------
    callable
        ``noise(what, step, shape)``, of shape `shape` and the lanes (with one scenario, which broadcasts).
    """

    def noise(what: str, step: int, shape: tuple[int, ...]) -> Array:
        cells = int(np.prod(shape))
        out = np.empty((cells, draws))
        for start in range(0, draws, NOISE_BLOCK):
            n = min(NOISE_BLOCK, draws - start)
            stream = f"process/{name}/{what}/{step}/{first_block + start // NOISE_BLOCK}"
            out[:, start : start + n] = uniforms(seed, stream, n * cells).reshape(n, cells).T
        return out.reshape(*shape, 1, draws) if scenarios else out.reshape(*shape, draws)

    return noise
