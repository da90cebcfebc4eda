"""What a figure depends on: the code, the machine, the server and its settings."""

import os
import platform
import re
import subprocess
from pathlib import Path

from server import Server

PROJECT = Path(__file__).resolve().parent.parent


def commit() -> str:
    """The commit that was measured, with + when files differ from it."""
    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(PROJECT), *arguments], check=True, capture_output=True, text=True
                              ).stdout.strip()

    # An unpacked archive may lie in a repository of something else.
    if not (PROJECT / ".git").exists():
        return "not in a repository"
    return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain") else "")


def describe(server: Server) -> dict[str, str]:
    """The machine in words."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    memory = re.search(r"^MemTotal:\s*(\d+) kB$", Path("/proc/meminfo").read_text(encoding="utf-8"), re.M)
    file_system = subprocess.run(
        ["stat", "-f", "-c", "%T", str(server.directory)], check=True, capture_output=True, text=True).stdout.strip()
    with server.connect() as connection:
        settings = connection.execute(
            "SELECT name || ' = ' || current_setting(name) FROM pg_settings WHERE source = 'configuration file' "
            "AND name !~ 'locale|lc_|port|directories|addresses|timezone|DateStyle|text_search|log_' "
            "ORDER BY name").fetchall()
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 2**20:.0f} GB" if memory else "",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": file_system,
        "PostgreSQL": str(server.value("SHOW server_version")),
        "settings": ", ".join(row[0] for row in settings),
    }
