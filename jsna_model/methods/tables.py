"""Small tables of named columns, in numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def table(**columns: ArrayLike) -> np.recarray[Any, Any]:
    """A record array of named columns of one length: ``t["cost"]``, ``t.cost``, ``t[0].cost``; ``pandas.DataFrame(t)`` takes it as it is.

    Examples
    --------
    >>> t = table(name=["a", "b"], value=[1.0, 2.0])
    >>> t.value.sum(), str(t[1].name)
    (np.float64(3.0), 'b')
    """
    arrays = [np.asarray(c) for c in columns.values()]
    return np.rec.fromarrays(arrays, dtype=[(name, a.dtype) for name, a in zip(columns, arrays, strict=True)])
