"""`forestock explain` explains the stored forecast, or reports that it differs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from forestock.cli.explore import explain_series
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline import run
from pipeline.explain import SeriesRequest
from tests.flows.conftest import QUICK

AS_OF = date(2016, 5, 23)


def test_a_stored_forecast_of_another_model_is_reported(
    demo_tables: dict, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    folder = write_tables(demo_tables, tmp_path / "inputs")
    settings = settings_for(folder, *QUICK, "forecast.train_until=2016-05-16")
    context = run.validate_stage(settings, AS_OF, "forecast")
    trained = run.train_stage(context)
    run.forecast_stage(context, trained)
    first = demo_tables["sales"].iloc[0]
    question = SeriesRequest(str(first["sku"]), str(first["region"]), AS_OF, None)
    request = [f"inputs.path={folder}", f"warehouse={settings.warehouse}", "tracking_uri=null", *QUICK]
    explain_series("demo", question, [*request, "forecast.train_until=2016-05-16"])
    assert "which has other settings" not in capsys.readouterr().out
    explain_series("demo", question, request)
    assert (
        f"The stored forecast of 2016-05-23 is by model {trained.model_version}, which has other"
        in capsys.readouterr().out
    )
    warehouse = Warehouse(settings)
    kept = warehouse.read("forecast", AS_OF).drop(columns="as_of")
    warehouse.write("forecast", kept.assign(tier="seasonal_naive"), AS_OF)
    explain_series("demo", question, request)
    printed = capsys.readouterr().out
    assert "The stored forecast of 2016-05-23 is by other methods (seasonal_naive)" in printed
    assert "Share of the forecast by method: " in printed
