"""libpqxx, of C++."""

import subprocess
import unittest

from cases import HERE, run
from remote import Remote

BUILT = HERE.parents[1] / "build/clients/cpp"


class Pqxx(Remote, unittest.TestCase):
    library = "libpqxx"
    command = [str(BUILT / "pqxx")]

    @classmethod
    def build(cls):
        BUILT.mkdir(parents=True, exist_ok=True)
        libraries = subprocess.run(["pkg-config", "--cflags", "--libs", "libpqxx"], check=True, capture_output=True,
                                   encoding="utf-8").stdout.split()
        subprocess.run(["g++", "-std=gnu++20", "-Wall", "-Wextra", "cpp/pqxx.cpp", "-o", cls.command[0], *libraries],
                       check=True, cwd=HERE)


if __name__ == "__main__":
    run(Pqxx)
