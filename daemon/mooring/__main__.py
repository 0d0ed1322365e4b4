"""``python -m mooring`` is the command ``mooring``."""

import sys

from mooring.cli.main import main

sys.exit(main())
