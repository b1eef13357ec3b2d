"""`python -m tinyscout` is the command `tinyscout`."""

import sys

from tinyscout.cli import main

sys.exit(main())
