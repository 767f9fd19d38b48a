"""What users are shown runs as shown: the example, the code of docs/python.md and of the README."""

import os
import re
import sys
import unittest

from support import Case, Other

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


def fenced(path, section):
    """The blocks of Python in a section of a document."""
    with open(os.path.join(ROOT, path)) as file:
        text = file.read()
    _, found, text = text.partition(f"\n## {section}\n")
    assert found, f"{path} has no section {section}"
    return re.findall(r"```python\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)


class Shown(Case):
    def run_all(self, blocks):
        """Runs blocks one behind the other, as if typed in; what they print."""
        self.assertTrue(blocks)
        other = self.other("\n".join(blocks))
        return other.finish()

    def test_the_example_carries_prices(self):
        example = os.path.join(HERE, "..", "examples", "ticks.py")
        start = lambda *arguments: Other([sys.executable, "-B", example, *arguments])
        publisher, receiver = start("publish"), start("receive", "AAPL")
        self.addCleanup(publisher.end)
        self.addCleanup(receiver.end)
        for line in ("AAPL 223.01", "MSFT 410.50", "AAPL 223.02"):
            publisher.say(line)
        receiver.expect("223.01")
        receiver.expect("223.02")
        publisher.finish()
        self.assertEqual(receiver.finish(), "")
        usage = start()
        self.addCleanup(usage.end)
        with self.assertRaisesRegex(AssertionError, "Prices from one process"):
            usage.finish()

    def test_the_readme_runs(self):
        self.assertEqual(self.run_all(fenced("README.md", "From Python")), "b'223.02' 2000\n")

    def test_a_first_publisher_and_subscriber_run(self):
        publisher, subscriber = fenced("docs/python.md", "A first publisher and subscriber")
        # The subscriber waits for the region; the publisher waits for it.
        subscriber = self.other(subscriber)
        publisher = self.other(publisher)
        publisher.finish()
        self.assertEqual(subscriber.finish(), "223.02\n223.04\n")

    def test_the_other_sections_run(self):
        for section, output in [("In place", "b'book'\n"), ("Logs", "0 b'223.02'\n1 b'223.04'\n"), ("Requests", "5\n")]:
            self.assertEqual(self.run_all(fenced("docs/python.md", section)), output, section)

    def test_arrays_run(self):
        try:
            import numpy  # noqa: F401
        except ImportError:
            self.skipTest("numpy is not installed")
        self.assertEqual(self.run_all(fenced("docs/python.md", "Arrays")), "[[1. 2.]\n [3. 4.]]\n")


if __name__ == "__main__":
    unittest.main()
