"""Saves customers through the client, each one after the other, until standard input ends; then tells how many saves
were answered, and how many of these as replayed. SOURCE: file:PATH or proxy:CONNECTION. Customers FIRST to LAST."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from sharded import Sharded, from_file, from_proxy  # pylint: disable=wrong-import-position

ended = threading.Event()


def save_again_and_again(sharded, key):
    base = sharded.call("crm_get_customer", key)["crm_get_customer"]["customer"]["updated_at"]
    saves = replayed = 0
    while not ended.is_set():
        saves += 1
        try:
            saved = sharded.call("crm_update_customer", key, base, f"status {saves}", f"Python {saves}", "ben")
        except Exception:
            ended.set()
            raise
        if saved["outcome"] not in ("updated", "replayed"):
            ended.set()
            raise AssertionError(f"{key}: {saved}")
        replayed += saved["outcome"] == "replayed"
        base = saved["updated_at"]
    return saves, replayed


def main():
    source, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    kind, place = source.split(":", 1)
    sharded = Sharded({"file": from_file, "proxy": from_proxy}[kind](place), patience=60,
                      user=os.environ["PGUSER"], password=os.environ["PGPASSWORD"])
    with ThreadPoolExecutor(last - first + 1) as pool:
        results = [pool.submit(save_again_and_again, sharded, key) for key in range(first, last + 1)]
        sys.stdin.read()
        ended.set()
    saves, replayed = (sum(figures) for figures in zip(*(result.result() for result in results)))
    sharded.close()
    print(f"{saves} saves, {replayed} replayed")


if __name__ == "__main__":
    main()
