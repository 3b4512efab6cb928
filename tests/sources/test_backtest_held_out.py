"""What is written of held-out authorities is what was measured, and it beats persistence there."""

import pandas as pd

from benchmarks import backtest_held_out as held_out
from jsna_model.verbs.backtest import ALL


def test_the_document_holds_the_committed_tables() -> None:
    text = held_out.DOCUMENT.read_text(encoding="utf-8")
    assert held_out.document(text, held_out.section(pd.read_csv(held_out.SCORES), pd.read_csv(held_out.CHOSEN))) == text


def test_held_out_authorities_are_forecast_better_than_by_persistence() -> None:
    rows = pd.read_csv(held_out.SCORES)
    rows = rows[(rows["measure"] == ALL) & (rows["horizon"] == ALL)]
    assert set(rows["constants"]) == {"shipped", "tuned on the other half"}
    assert (rows["wape"] < rows["wape_persistence"]).all()
    assert (rows["interval_score80"] < rows["interval_score80_persistence"]).all()
    assert rows["coverage80"].between(0.77, 0.83).all()
    assert rows["coverage95"].between(0.93, 0.97).all()
