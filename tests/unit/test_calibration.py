"""Pooled rates of over-dispersed counts: against closed forms and quadrature of another library, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit

from jsna_model.errors import InputError, UnknownNameError
from jsna_model.methods.calibration import Counts, covered, fit, posterior, predictive, prior_of, product_contraction
from jsna_model.methods.discrepancy import discrepancy

D = 2.0


def counts(low: object, size: object, high: object = None) -> Counts:
    low, size = np.asarray(low, float), np.asarray(size, float)
    return Counts(low, low if high is None else np.asarray(high, float), size)


def by_scipy(scale: str, low: int, high: int, n: int, mu: float, tau: float) -> tuple[float, float]:
    """Posterior mean and sd by adaptive quadrature on scipy's own distributions."""

    def likelihood(t: float) -> float:
        y = np.arange(low, high + 1)
        if scale == "log":
            m = n * np.exp(t)
            return float(stats.nbinom.pmf(y, m / (D - 1), 1 / D).sum())
        c = (n - 1) / (D - 1) - 1
        return float(stats.betabinom.pmf(y, n, c * expit(t), c * expit(-t)).sum())

    def moment(k: int) -> float:
        found = quad(lambda t: t**k * likelihood(t) * stats.norm.pdf(t, mu, tau), mu - 9 * tau, mu + 9 * tau, limit=400, epsabs=0)
        return float(found[0])

    m0, m1, m2 = moment(0), moment(1), moment(2)
    return m1 / m0, float(np.sqrt(m2 / m0 - (m1 / m0) ** 2))


@pytest.mark.parametrize(
    ("scale", "low", "high", "n", "mu", "tau"),
    [
        ("log", 12, 12, 200, -3.0, 0.5),
        ("log", 0, 0, 60, -3.0, 0.8),
        ("log", 1, 5, 300, -3.0, 1.0),
        ("log", 900, 900, 12_000, -2.0, 0.4),
        ("logit", 12, 12, 60, -1.5, 0.6),
        ("logit", 0, 0, 400, -3.0, 1.5),
        ("logit", 1, 5, 3000, -3.0, 2.0),
        ("logit", 59, 59, 60, 1.5, 0.6),
    ],
)
def test_the_posterior_is_that_of_scipy_quadrature(scale: str, low: int, high: int, n: int, mu: float, tau: float) -> None:
    found = posterior(counts([low], [n], [high]), scale, mu, tau, D)
    mean, sd = by_scipy(scale, low, high, n, mu, tau)
    assert found.mean[0] == pytest.approx(mean, abs=1e-6)
    assert found.sd[0] == pytest.approx(sd, rel=1e-5)


def test_nearly_independent_counts_have_the_conjugate_posterior() -> None:
    """Gamma-Poisson: with a prior as wide as can be and D near 1, the rate is ``Gamma(y, n)``: mean of log digamma(y) - log n."""
    found = posterior(counts([40], [1000]), "log", -3.0, 10.0, 1 + 1e-6)
    from scipy.special import digamma, polygamma

    assert found.mean[0] == pytest.approx(digamma(40) - np.log(1000), abs=1e-3)
    assert found.sd[0] == pytest.approx(np.sqrt(polygamma(1, 40)), rel=1e-3)


def test_a_missing_count_leaves_the_prior() -> None:
    found = posterior(counts([np.nan, 5.0, 5.0], [100, np.nan, 100]), "log", -2.5, 0.4, D)
    assert found.mean[:2] == pytest.approx([-2.5, -2.5])
    assert found.sd[:2] == pytest.approx([0.4, 0.4])
    assert found.contraction[:2] == pytest.approx([0, 0], abs=1e-6)
    assert 0.1 < found.contraction[2] < 0.6


def test_draws_have_the_moments_of_the_posterior_and_follow_the_normals() -> None:
    found = posterior(counts([12.0, 3.0], [200, 500], [12.0, 9.0]), "log", -3.0, 0.5, D)
    z = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    drawn = np.log(found.draws(np.stack([z, z])))
    assert (np.diff(drawn, axis=1) >= 0).all()
    assert drawn.mean(1) == pytest.approx(found.mean, abs=1e-3)
    assert drawn.std(1) == pytest.approx(found.sd, rel=0.01)


def simulated(scale: str, mu: float, tau: float, areas: int, seed: int) -> tuple[Counts, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = np.round(np.exp(rng.normal(6.5, 1.0, areas))) + 20
    theta = rng.normal(mu, tau, areas)
    if scale == "log":
        m = n * np.exp(theta)
        return counts(rng.negative_binomial(m / (D - 1), 1 / D), n), theta
    c = (n - 1) / (D - 1) - 1
    return counts(rng.binomial(n.astype(int), rng.beta(c * expit(theta), c * expit(-theta))), n), theta


@pytest.mark.parametrize(("scale", "mu", "tau"), [("log", -3.0, 0.3), ("log", -1.0, 0.1), ("logit", -1.2, 0.5)])
def test_90_percent_intervals_cover_and_hyperparameters_come_back(scale: str, mu: float, tau: float) -> None:
    """600 authorities: coverage of rates and of counts within three binomial standard errors (1.2 points) of 90%."""
    seen, theta = simulated(scale, mu, tau, 600, 7)
    # Small counts are hidden as DfE hides them, and the intervals must hold nevertheless.
    hidden = (seen.low >= 1) & (seen.low <= 5)
    published = Counts(np.where(hidden, 1.0, seen.low), np.where(hidden, 5.0, seen.high), seen.size)
    found = fit(published, scale, D)
    assert found.mu == pytest.approx(mu, abs=4 * tau / np.sqrt(600) + 0.01)
    assert found.tau == pytest.approx(tau, rel=0.2)
    after = posterior(published, scale, found.mu, found.tau, D)
    low, high = (after.draws(np.full((600, 1), z))[:, 0] for z in (-1.6449, 1.6449))
    truth = np.exp(theta) if scale == "log" else expit(theta)
    assert ((low <= truth) & (truth <= high)).mean() == pytest.approx(0.9, abs=0.04)
    inside = covered(*predictive(seen, prior_of(found, 600), D))
    # Counts are whole, so that an interval of at least 90% holds a little more.
    assert 0.865 < inside.mean() < 0.945


def test_the_predictive_distribution_is_that_of_scipy() -> None:
    for scale, n in (("log", 400), ("logit", 80)):
        seen = counts([11], [n])
        at = posterior(seen, scale, -2.5, 0.4, D)
        below, up_to = predictive(seen, at, D)
        theta, weight = at.theta[0], at.weight[0]
        if scale == "log":
            law = stats.nbinom.cdf(11, n * np.exp(theta) / (D - 1), 1 / D)
        else:
            c = (n - 1) / (D - 1) - 1
            law = np.array([stats.betabinom.cdf(11, n, c * expit(t), c * expit(-t)) for t in theta])
        assert up_to[0] == pytest.approx((law * weight).sum(), abs=2e-4)
        assert below[0] < up_to[0]


def test_small_authorities_are_drawn_to_the_mean_and_large_ones_are_not() -> None:
    found = posterior(counts([6, 6000], [60, 60_000]), "log", np.log(0.05), 0.3, D)
    assert abs(found.mean[0] - np.log(0.05)) < 0.5 * np.log(2)
    assert found.rate[1] == pytest.approx(0.1, rel=0.01)


def test_only_one_factor_of_a_product_can_be_identified() -> None:
    product, factors = product_contraction([0.3, 0.3], 0.05)
    assert product > 0.9
    assert (factors < 0.5).all()
    assert factors.sum() == pytest.approx(product)
    assert product_contraction([1.0, 0.2], 0.05)[1][0] > 0.9  # the sensitivity is nearly known
    assert product_contraction([0.3], np.inf)[0] == 0  # an interaction that is not measured: its prior
    # By the posterior covariance of the linear model.
    prior = np.diag([0.3**2, 0.4**2])
    after = prior - np.outer(prior.sum(1), prior.sum(1)) / (prior.sum() + 0.01)
    assert product_contraction([0.3, 0.4], 0.1)[1] == pytest.approx(1 - np.diag(after) / np.diag(prior))
    assert product_contraction([0.3, 0.4], 0.1)[0] == pytest.approx(1 - after.sum() / prior.sum())


def test_what_stocks_and_flows_do_not_reconcile_is_pooled() -> None:
    rng = np.random.default_rng(3)
    own = rng.normal(0.05, 0.08, 300)
    opening = np.full((300, 6), 1000.0)
    share = own[:, None] + rng.normal(0, 0.05, (300, 6))
    starts, ends = np.full((300, 6), 400.0), np.full((300, 6), 380.0)
    closing = opening + starts - ends + share * opening
    closing[0, 1:], closing[1] = np.nan, np.nan
    found = discrepancy(opening, starts, ends, closing)
    assert np.allclose(found.share[2:], share[2:])
    assert (found.within, found.between, found.centre) == pytest.approx((0.05, 0.08, 0.05), abs=0.012)
    assert np.mean(np.abs(found.mean - own)[2:] < 1.6449 * found.sd[2:]) == pytest.approx(0.9, abs=0.06)
    assert found.mean[1] == found.centre  # nothing published: that of all
    assert found.sd[1] == pytest.approx(found.between)
    assert found.sd[0] > found.sd[2]


def test_counts_that_cannot_be_are_named() -> None:
    with pytest.raises(InputError, match="2 problems"):
        Counts(np.array([-1.0, 5.0, 3.0]), np.array([2.0, 4.0, 3.0]), np.array([10.0, 10.0, 10.0]))
    with pytest.raises(InputError, match="12 of 10 is a share above 1"):
        posterior(counts([12], [10]), "logit", 0.0, 1.0, D)
    with pytest.raises(InputError, match="dispersion is 1"):
        posterior(counts([1], [10]), "log", 0.0, 1.0, 1.0)
    with pytest.raises(UnknownNameError, match="logit"):
        fit(counts([1, 2, 3], [10, 10, 10]), "logits", D)
    with pytest.raises(InputError, match="at least three"):
        fit(counts([1, np.nan, np.nan], [10, 10, 10]), "log", D)
