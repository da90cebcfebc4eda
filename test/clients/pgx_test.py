"""pgx, of Go."""

import unittest

from cases import run
from go_program import GoProgram


class Pgx(GoProgram, unittest.TestCase):
    library = "pgx"
    main = "pgx"


if __name__ == "__main__":
    run(Pgx)
