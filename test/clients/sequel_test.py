"""Sequel, of Ruby."""

import unittest

from cases import run
from remote import Remote


class Sequel(Remote, unittest.TestCase):
    library = "Sequel"
    command = ["ruby", "ruby/sequel.rb"]
    stale_error = "Sequel::NoExistingObject"
    schema_tool = reset = "migrations are written by hand"


if __name__ == "__main__":
    run(Sequel)
