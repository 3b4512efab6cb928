"""The door: reads a study, calls the three rooms, writes a run folder."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the ``jsna`` command; exits 0, 2 for bad input, 130 when interrupted."""
    import typer

    from jsna_model.cli.app import app
    from jsna_model.errors import JsnaError

    for stream in (sys.stdout, sys.stderr):  # Windows consoles may not speak UTF-8
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app()
    except JsnaError as error:
        typer.echo(f"jsna: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("jsna: interrupted; nothing was left half written.", err=True)
        raise SystemExit(130) from None
