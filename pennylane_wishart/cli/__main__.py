"""``python -m pennylane_wishart.cli``: the ``wishart`` command where it is not on the path."""

import sys

from pennylane_wishart.cli import main

sys.exit(main())
