#!/usr/bin/env python3
"""The local stack: the real template on an AWS emulator, a real Postgres, doubles of the other services. See --help."""

import sys

if sys.version_info < (3, 11):  # before any import that needs it
    sys.exit("The local stack needs Python 3.11 or newer; this is " + sys.version.split()[0])

from harness.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
