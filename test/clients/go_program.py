"""What builds and runs the programs of Go, with Debian's packages alone."""

import os
import subprocess

from cases import HERE
from remote import Remote

BUILT = HERE.parents[1] / "build/clients/go"


class GoProgram(Remote):
    main = None

    @classmethod
    def build(cls):
        cls.command = [str(BUILT / cls.main)]
        subprocess.run(["go", "build", "-o", cls.command[0], "go/program.go", f"go/{cls.main}.go"], check=True,
                       cwd=HERE,
                       env={**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                            "GOCACHE": str(BUILT / "cache")})
