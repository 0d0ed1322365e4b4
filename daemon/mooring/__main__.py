"""``python -m mooring`` is the command ``mooring``."""

import sys

from mooring.cli import main

sys.exit(main())
