"""lib/pq, of Go."""

import unittest

from cases import run
from go_program import GoProgram


class Pq(GoProgram, unittest.TestCase):
    library = "lib/pq"
    main = "pq"


if __name__ == "__main__":
    run(Pq)
