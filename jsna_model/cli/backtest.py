"""Write a backtest: forecasts, scores, weights and the figure."""

from __future__ import annotations

from pathlib import Path

import typer

from jsna_model.cli.run import _rooms
from jsna_model.errors import OutputError

FILES = ("backtest.csv", "backtest_summary.csv", "backtest_weights.csv", "backtest.svg", "backtest.png")
_ENGLAND_ONLY = (
    "No panel was given, and only England's own series ship with the package: these are forecasts of one area from its own history, "
    "without the pooling that many authorities allow. Give --data for a panel of authorities."
)


def write_backtest(data: Path | None, out: Path, quiet: bool) -> None:
    """Backtest a panel, or England's series, into a folder; other files there are left alone.

    Parameters
    ----------
    data : Path, optional
    out : Path
    quiet : bool

    Raises
    ------
    InputError, OutputError
    """
    from jsna_model.verbs.backtest import backtest

    _check(out)
    src = _rooms()["src"]
    panel = src.england_panel() if data is None else src.load_panel(data)
    done = backtest(panel)
    from reports.backtest import backtest_figure
    from reports.drawing import png, svg

    figure = backtest_figure(done.summary, "DfE, England 2013 to 2025" if data is None else data.name)
    tables = {"backtest.csv": done.forecasts, "backtest_summary.csv": done.summary, "backtest_weights.csv": done.weights}
    contents = {name: table.to_csv(index=False).encode("utf-8-sig") for name, table in tables.items()}
    _put(out, contents | {"backtest.svg": svg(figure).encode(), "backtest.png": png(figure)})
    if quiet:
        return
    if data is None:
        typer.echo(_ENGLAND_ONLY)
    without = int((panel["value"].notna() & panel["population"].isna()).sum())
    if without:
        typer.echo(
            f"{without:,} rows have a value and no population: the area's latest before it stands for it, or, without any, counts do."
        )
    total = done.summary.iloc[-1]
    missed = f"Absolute error {100 * total['wape']:.1f}% of the total, persistence {100 * total['wape_persistence']:.1f}%."
    missed = missed if total["wape"] >= 0 else "Nothing but zeros followed, so that there is no total to miss a share of."
    typer.echo(
        f"Wrote {out}: {len(done.forecasts):,} forecasts. {missed} Intervals of 80% held {100 * total['coverage80']:.1f}% (standard error "
        f"{100 * total['coverage80_se']:.1f}), of 95% {100 * total['coverage95']:.1f}% ({100 * total['coverage95_se']:.1f})."
    )


def _check(out: Path) -> None:
    for part in (out, *out.parents):
        if part.exists() and not part.is_dir():
            raise OutputError(f"{part} is a file. Give --out the name of a folder; nothing was written.")


def _put(out: Path, contents: dict[str, bytes]) -> None:
    """Write every file beside its place first, and then move them in."""
    parts = {name: out / f".{name}.part" for name in contents}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, part in parts.items():
            part.write_bytes(contents[name])
        for name, part in parts.items():
            part.replace(out / name)
    except OSError as error:
        name = Path(error.filename2 or error.filename or out).name
        raise OutputError(f"{name} cannot be written: {error.strerror}. Close it, or use --out with another folder.") from None
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
