"""DBI with DBD::Pg, of Perl."""

import unittest

from cases import run
from remote import Remote


class Dbi(Remote, unittest.TestCase):
    library = "DBI"
    command = ["perl", "perl/dbi.pl"]


if __name__ == "__main__":
    run(Dbi)
