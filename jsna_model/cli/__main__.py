"""``python -m jsna_model.cli``."""

from jsna_model.cli import main

main()
