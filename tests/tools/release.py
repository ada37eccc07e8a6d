#!/usr/bin/env python3
"""Release packages and deployment to AWS. See --help."""

import sys

if sys.version_info < (3, 11):  # before any import that needs it
    sys.exit("This needs Python 3.11 or newer; this is " + sys.version.split()[0])

from harness.release import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
