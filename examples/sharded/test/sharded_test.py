"""The Python client, as far as it needs no server."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from sharded import canonical_key, from_file, partition_of  # pylint: disable=wrong-import-position

PUBLISHED = json.loads((HERE.parents[2] / "scale" / "partitions.json").read_text(encoding="utf-8"))


class Keys(unittest.TestCase):
    def test_partition_is_as_published(self):
        self.assertGreater(len(PUBLISHED["vectors"]), 20)
        for vector in PUBLISHED["vectors"]:
            for partitions, number in vector["partition"].items():
                self.assertEqual(partition_of(vector["key"], int(partitions)), number, vector["key"])
        self.assertEqual(partition_of(4711, 4096), partition_of("4711", 4096))

    def test_other_numbers_than_powers_of_two_are_refused(self):
        for partitions in PUBLISHED["refused"]:
            with self.assertRaisesRegex(ValueError, "must be a power of two"):
                partition_of("1", partitions)

    def test_each_key_has_one_spelling(self):
        for key in (7, "7", " 7", "+7", "007 "):
            self.assertEqual(canonical_key(key, "bigint"), "7")
        self.assertEqual(canonical_key("-0", "bigint"), "0")
        value = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
        for key in (value, value.upper(), f"{{{value}}}", value.replace("-", "")):
            self.assertEqual(canonical_key(key, "uuid"), value)
        self.assertEqual(canonical_key(" Müller ", "text"), " Müller ")
        for key, key_type in (("7x", "bigint"), ("", "bigint"), ("1_0", "bigint"), ("a0", "uuid"), ("1", "numeric")):
            with self.assertRaises(ValueError):
                canonical_key(key, key_type)


class Files(unittest.TestCase):
    def read(self, text):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            return from_file(file.name)()

    def test_partitions_are_read_in_order(self):
        self.assertEqual(self.read("1|dbname=b\n0|dbname=a\n"), ["dbname=a", "dbname=b"])

    def test_what_is_no_set_of_partitions_is_refused(self):
        for text in ("", "1|b\n", "0|a\n0|b\n", "0|a\n2|b\n", "0|a\n1|b\n2|c\n", "dbname=a\n"):
            with self.assertRaises(ValueError):
                self.read(text)


if __name__ == "__main__":
    unittest.main()
