"""``python -m arraylosses``: the command line."""

from .cli import main

raise SystemExit(main())
