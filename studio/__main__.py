"""`python -m studio`: the commands, and the window when none is named."""

import sys

from studio.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
