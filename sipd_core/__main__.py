"""`python -m sipd_core COMMAND`."""

import sys

from sipd_core.cli import main

sys.exit(main())
