"""What a file of evidence may hold, as the schema that an entry is checked against."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator, model_validator
from pydantic_core import PydanticCustomError

from data_sources.evidence._toml import read_toml
from jsna_model.errors import InputError
from jsna_model.evidence import Variation


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Publication(Part):
    citation: str = Field(min_length=1)
    title: str = Field(min_length=1)
    producer: str = Field(min_length=1)
    published: str = Field(min_length=1)
    read_in: str = Field(min_length=1)
    url: str
    licence: str = Field(min_length=1)


class ConstructPart(Part):
    condition: str
    instrument: str
    threshold: str
    window: str
    whose: str
    informant: str


class VariationPart(Part):
    gradient: FiniteFloat
    gradient_sd: FiniteFloat = Field(ge=0)
    authority_sd: FiniteFloat = Field(ge=0)
    small_area_sd: FiniteFloat = Field(ge=0)
    age_sd: FiniteFloat = Field(ge=0)
    source: str = Field(min_length=1)
    covariates: dict[str, FiniteFloat] = Field(default_factory=dict)
    covariance: list[list[FiniteFloat]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _sound(self) -> VariationPart:
        try:
            self.noun()
        except InputError as error:
            raise PydanticCustomError("variation", "{problem}", {"problem": str(error)}) from error
        return self

    def noun(self) -> Variation:
        """The noun, which checks that covariates and covariance belong together."""
        plain = self.model_dump(exclude={"covariates", "covariance"})
        rows = tuple(tuple(row) for row in self.covariance)
        return Variation(**plain, covariates=tuple(self.covariates.items()), covariance=rows)


class RelevancePart(Part):
    """Either `sd`, or `distances` for the rule of `methods.distributions.relevance_sd`."""

    reason: str = Field(min_length=1)
    mean: FiniteFloat = 0.0
    sd: FiniteFloat | None = Field(None, ge=0)
    distances: list[Literal["geography", "ages", "construct"]] | None = None

    @model_validator(mode="after")
    def _one(self) -> RelevancePart:
        if (self.sd is None) == (self.distances is None):
            raise PydanticCustomError("relevance", "give one of sd and distances")
        return self


class Assumed(Part):
    """A stated, conservative interval where none is published: by an effective sample, or a factor either way."""

    reason: str = Field(min_length=1)
    effective_sample: FiniteFloat | None = Field(None, gt=0)
    factor: FiniteFloat | None = Field(None, gt=1)

    @model_validator(mode="after")
    def _one(self) -> Assumed:
        if (self.effective_sample is None) == (self.factor is None):
            raise PydanticCustomError("assumed", "give one of effective_sample and factor")
        return self


class Judgement(Part):
    """What one person judged, as quantiles, with the reason."""

    role: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    quantiles: dict[str, FiniteFloat]


class QualityPart(Part):
    grade: Literal["high", "moderate", "low", "very low"]
    reasons: list[str] = Field(min_length=1)


class ConversionPart(Part):
    name: str
    statement: str
    source: str


class Entry(Part):
    """One entry as written; `_build` makes an Evidence of it."""

    key: str = Field(min_length=1)
    label: str = Field(min_length=1)
    topic: str = ""
    unit: str = "share"
    value: FiniteFloat | None = None
    lower: FiniteFloat | None = None
    upper: FiniteFloat | None = None
    level: FiniteFloat | None = None
    interval_basis: str = ""
    sample_size: FiniteFloat | None = Field(None, gt=0)
    design_effect: FiniteFloat = Field(1.0, ge=1)
    assumed: Assumed | None = None
    judgements: list[Judgement] = []
    distribution: str = ""
    numerator: str = Field(min_length=1)
    denominator: str = Field(min_length=1)
    construct_: ConstructPart = Field(alias="construct")
    ages: tuple[int, int] = (0, 120)
    geography: str
    period: str = Field(min_length=1)
    year: FiniteFloat
    where: str = ""
    url: str | None = None
    read_in: str = ""
    data_group: str = ""
    group_correlation: FiniteFloat = Field(0.5, ge=0, le=1)
    nested_in: str = ""
    risk: str = ""
    set_name: str = ""
    relevance: RelevancePart | None = None
    variation: VariationPart | None = None
    conversions: list[ConversionPart] = []
    quality: QualityPart | None = None
    contradicts: list[str] = []
    replaces: str = ""
    notes: str = ""
    statement: str = ""
    status: Literal["seen"] = "seen"

    @field_validator("ages", mode="before")
    @classmethod
    def _ages(cls, value: Any) -> Any:
        sound = isinstance(value, list | tuple) and len(value) == 2 and all(type(a) is int for a in value)
        if not sound or not 0 <= value[0] <= value[1]:
            raise PydanticCustomError("ages", "give first and last single year of age, such as [0, 17]")
        return tuple(value)

    @field_validator("variation", mode="before")
    @classmethod
    def _named_variation(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        rows = _variations()
        if value not in rows:
            raise PydanticCustomError("variation", "use one of {names}, or a table", {"names": ", ".join(rows)})
        return rows[value]


@cache
def _variations() -> dict[str, Any]:
    """The named rows that an entry's ``variation`` may call for."""
    return read_toml(Path(__file__).with_name("_variation.toml"))
