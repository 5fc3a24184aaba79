"""``python -m skquantum``."""

import sys

from skquantum.cli import main

if __name__ == "__main__":
    sys.exit(main())
