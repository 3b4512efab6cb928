"""Population: children by area, age, sex and year, with the area's covariates and parents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jsna_model.conventions import LEVELS, validate
from jsna_model.errors import InputError, Problem, raise_all

#: Parent coordinates that an area may carry: codes, with `<level>_name` beside each.
PARENTS = ("msoa", "ward", "locality", "district", "authority", "region")


@dataclass(frozen=True)
class Population:
    """Validated container of children in areas.

    Parameters
    ----------
    data : xarray.Dataset
        Variable ``children`` (dims among year, area, age, age_band, sex; children, not rounded). Coordinates on ``area``:
        ``area_name``, parent codes and names (``authority``, ``authority_name``, ...), ``easting``, ``northing`` (metres, British
        National Grid). Optional ``deprivation`` (IMD decile), ``social_rented_share``, ``children_log_sd`` (dims age_band).
    level : str
        Geographic level of the areas, one of `jsna_model.conventions.LEVELS`.
    source : str
        Publisher, release and date.
    known_total : bool
        Whether the children of each authority sum to a published total, so that small-area error is raked to it.
    focus : str
        Code of the area that was asked for, when it is part of an authority (a district); else empty.
    frame : Frame, optional
        The England frame that national evidence is reproduced over.
    whole : tuple of str
        Codes of the regions, England among them, of which every area is here: only these can be benchmarked to a known total (law 13). An
        authority is always taken to be whole.

    Raises
    ------
    InputError
        For negative or missing children; LabelError for wrong dimensions or duplicate areas. All problems at once.
    """

    data: xr.Dataset
    level: str
    source: str
    known_total: bool = True
    focus: str = ""
    frame: Frame | None = None
    whole: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        validate(self.data, "population")
        problems = []
        if "children" not in self.data:
            raise InputError("population: no variable 'children'. Give children by area and age.")
        if self.level not in LEVELS:
            problems.append(Problem(f"level {self.level!r}", f"use one of {', '.join(LEVELS)}", "population"))
        children = self.data["children"]
        for word, bad in (("negative", children < 0), ("missing", children.isnull())):
            if bool(bad.any()):
                where = bad.any([d for d in children.dims if d != "area"])
                codes = [str(c) for c in children["area"].values[where.values]][:5]
                problems.append(Problem(f"{word} children in {', '.join(codes)}", "every cell needs a number, zero or more", "population"))
        if "authority" not in self.data.coords:
            problems.append(Problem("no coordinate 'authority'", "give the upper-tier authority of each area", "population"))
        if "year" not in children.dims and "children_log_sd" in self.data and bool((self.data["children_log_sd"] < 0).any()):
            problems.append(Problem("a negative children_log_sd", "give standard deviations", "population"))
        raise_all(problems)

    def covariate(self, name: str) -> NDArray[np.float64]:
        """Values of a covariate, shape (area,): a variable of its own, or one of ``covariate_value``.

        Raises
        ------
        InputError
            Where the population does not hold it.
        """
        further = self.data.get("covariate_value")
        if further is not None and name in further["covariate"].values:
            return np.asarray(further.sel(covariate=name).values, dtype=float)
        if name in self.data and self.data[name].dims == ("area",):
            return np.asarray(self.data[name].values, dtype=float)
        known = [n for n in ("deprivation", "social_rented_share") if n in self.data]
        known += [] if further is None else further["covariate"].values.tolist()
        raise InputError(
            f"the population has no covariate {name!r}; it holds {', '.join(known) or 'none'}. Give its values for all of England's LSOAs: "
            "load_population(..., covariate_file=FILE)."
        )

    @property
    def areas(self) -> tuple[str, ...]:
        """Area codes, in order."""
        return tuple(str(a) for a in self.data["area"].values)

    @property
    def authorities(self) -> tuple[str, ...]:
        """Codes of the upper-tier authorities, in code order."""
        return tuple(sorted({str(a) for a in self.data["authority"].values}))

    def total(self) -> float:
        """All children, in one year."""
        return float(self.data["children"].sum(skipna=False))

    def parents(self) -> tuple[str, ...]:
        """Levels above that every area carries a code for, finest first."""
        return tuple(p for p in PARENTS if p in self.data.coords and p != self.level)

    @property
    def hash(self) -> str:
        """SHA-256 of areas, children and covariates, first 16 hexadecimal digits."""
        digest = sha256("|".join(self.areas).encode())
        for parent in PARENTS:
            if parent in self.data.coords:
                digest.update("|".join(self.data[parent].values.astype(str)).encode())
        for name in sorted(str(v) for v in self.data.data_vars):
            digest.update(np.ascontiguousarray(self.data[name].values, dtype=float).tobytes())
        return digest.hexdigest()[:16]

    def __repr__(self) -> str:
        return f"<Population: {len(self.areas):,} {self.level} areas, {np.round(self.total()):,.0f} children; {self.source}>"


@dataclass(frozen=True, eq=False)
class Frame:
    """The fixed England frame over which national prevalence is reproduced: weighted points of the covariates' joint distribution.

    Parameters
    ----------
    version : str
        Release of the inputs; recorded in the manifest with the frame's hash.
    children : xarray.DataArray
        Dims (area, age_band), where ``area`` labels the points; children, used as weights.
    covariates : xarray.Dataset
        Dims (area,): each covariate at each point.
    centre, scale : mapping of str to float
        Constants that standardise each covariate: ``x = (covariate - centre) / scale``; a negative scale turns its sign.
    limits : mapping of str to (float, float)
        Least and greatest value of each covariate in England, where they are not those of the points: a value beyond them is refused.
    """

    version: str
    children: xr.DataArray
    covariates: xr.Dataset
    centre: Mapping[str, float]
    scale: Mapping[str, float]
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def over(self, covariates: Sequence[str]) -> Frame:
        """The frame of these covariates alone: points that agree in all of them become one.

        Raises
        ------
        InputError
            For a covariate that the frame does not hold.
        """
        absent = [c for c in covariates if c not in self.centre]
        if absent:
            held = f"the England frame {self.version}, which holds {', '.join(self.centre)}"
            raise InputError(
                f"{', '.join(map(repr, absent))}: not in {held}. A covariate needs the whole of England: give its values for all LSOAs, "
                "load_population(..., covariate_file=FILE)."
            )
        if set(covariates) == set(self.centre):
            return self
        values = np.stack([self.covariates[c].values for c in covariates], axis=1)
        points, index = np.unique(values, axis=0, return_inverse=True)
        children = np.zeros((len(points), self.children.sizes["age_band"]))
        np.add.at(children, np.ravel(index), self.children.transpose("area", "age_band").values)
        labels = [f"point_{i}" for i in range(len(points))]
        return Frame(
            self.version,
            xr.DataArray(children, {"area": labels, "age_band": self.children["age_band"].values}, ("area", "age_band"), name="children"),
            xr.Dataset({c: ("area", points[:, i]) for i, c in enumerate(covariates)}, {"area": labels}),
            {c: self.centre[c] for c in covariates},
            {c: self.scale[c] for c in covariates},
            {c: self.limits[c] for c in covariates if c in self.limits},
        )

    def matrix(self, covariates: Sequence[str]) -> NDArray[np.float64]:
        """Standardised covariates at the points, shape (point, covariate)."""
        return np.stack([self.standardise(c, self.covariates[c].values) for c in covariates], axis=1)

    def range(self, name: str) -> tuple[float, float]:
        """Least and greatest value of a covariate in England."""
        values = self.covariates[name].values
        return self.limits.get(name, (float(values.min()), float(values.max())))

    def standardise(self, name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardised covariate, shape of `values`.

        Raises
        ------
        InputError
            For a covariate that the frame does not hold.
        """
        if name not in self.centre:
            raise InputError(f"covariate {name!r} is not in the England frame {self.version}, which holds {', '.join(self.centre)}.")
        return (values - self.centre[name]) / self.scale[name]

    @property
    def hash(self) -> str:
        """SHA-256 of weights, covariates and constants, first 16 hexadecimal digits."""
        digest = sha256(json.dumps([dict(self.centre), dict(self.scale)], sort_keys=True).encode())
        for values in (self.children, *self.covariates.data_vars.values()):
            digest.update(np.ascontiguousarray(values.values, dtype=float).tobytes())
        return digest.hexdigest()[:16]
