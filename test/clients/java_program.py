"""What builds and runs the programs of Java."""

import subprocess

from cases import HERE
from remote import Remote

BUILT = HERE.parents[1] / "build/clients/java"
JARS = "/usr/share/java"


class JavaProgram(Remote):
    main = None
    # names of jars
    jars = ()

    @classmethod
    def build(cls):
        classes = BUILT / cls.main
        path = ":".join([str(classes), *(f"{JARS}/{name}.jar" for name in ("gson", "postgresql", *cls.jars))])
        classes.mkdir(parents=True, exist_ok=True)
        sources = [str(HERE / "java" / f"{name}.java") for name in ("Client", "Program", cls.main)]
        subprocess.run(["javac", "-encoding", "UTF-8", "-Xlint:all,-serial,-path,-processing", "-Werror", "-cp", path,
                        "-d", str(classes), *sources], check=True)
        cls.command = ["java", "-XX:TieredStopAtLevel=1", "-cp", path, cls.main]
