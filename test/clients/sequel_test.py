"""Sequel, of Ruby."""

import unittest

from cases import run
from remote import Remote


class Sequel(Remote, unittest.TestCase):
    library = "Sequel"
    command = ["ruby", "ruby/sequel.rb"]
    # Sequel 5.63 binds a time at -03:30 as one at -0430
    zones = {"TZ": "Asia/Kathmandu", "PGTZ": "America/St_Johns"}
    stale_error = "Sequel::NoExistingObject"
    schema_tool = reset = "migrations are written by hand"


if __name__ == "__main__":
    run(Sequel)
