"""Wrong use is an exception of the right class with one line that says what to do, and never more than that."""

import inspect
import os
import unittest

import xbar
from support import Case


class Errors(Case):
    def raises(self, kind, use):
        with self.assertRaises(kind) as caught:
            use()
        self.assertIs(type(caught.exception), kind)
        line = str(caught.exception)
        self.assertTrue(line and "\n" not in line and not line[0].isupper(), line)
        return line

    def test_every_class_is_one_of_error(self):
        for name in xbar.__all__:
            thing = getattr(xbar, name)
            if inspect.isclass(thing) and issubclass(thing, BaseException):
                self.assertTrue(issubclass(thing, xbar.Error), name)
                self.assertTrue(thing.__doc__, name)
        self.assertTrue(issubclass(xbar.Timeout, TimeoutError))
        self.assertTrue(issubclass(xbar.Invalid, ValueError))

    def test_names_and_numbers_that_cannot_be(self):
        self.raises(xbar.Invalid, lambda: xbar.Publisher("no/slash"))
        self.raises(xbar.Invalid, lambda: xbar.Publisher(""))
        self.raises(xbar.Invalid, lambda: xbar.Publisher("r", depth=0))
        self.raises(xbar.Invalid, lambda: xbar.Publisher("r", budget_bytes=1))
        self.raises(xbar.Invalid, lambda: xbar.Publisher("r", shared_with="nobody"))
        self.raises(xbar.Invalid, lambda: xbar.discover("tick"))
        with xbar.Publisher("r") as publisher:
            self.raises(xbar.Invalid, lambda: publisher.topic("tick"))
            self.raises(xbar.Invalid, lambda: publisher.topic("/a", delivery="best effort"))
            self.raises(xbar.Invalid, lambda: publisher.topic("/a", value_type=("t", 12, 8)))
            self.raises(xbar.Invalid, lambda: publisher.topic("/a", delivery="pinned", many_publishers=True))
            self.raises(xbar.Invalid, lambda: publisher.topic("/a", max_bytes=1 << 20))
            topic = publisher.topic("/a")
            self.assertIn("4097 bytes", self.raises(xbar.Invalid, lambda: topic.send(bytes(4097))))
            self.raises(xbar.Invalid, lambda: topic.loan(4097))
            self.raises(xbar.Invalid, lambda: topic.loan(2**62))
            self.raises(xbar.Invalid, lambda: topic.send(b"x", timeout=-1))
            self.raises(xbar.Invalid, lambda: topic.send(b"x", timeout=float("nan")))
            self.raises(xbar.Invalid, lambda: publisher.topic("/a", delivery="lossless"))
            topic.send(b"x", timeout=float("inf"))
            topic.send(b"x", timeout=1e300)

    def test_types_that_cannot_be(self):
        with self.assertRaises(TypeError):
            xbar.Publisher(7)
        with self.assertRaises(TypeError):
            xbar.Publisher("r", None, 3)
        with self.assertRaises(OverflowError):
            xbar.Publisher("r", depth=-1)
        with self.assertRaises(OverflowError):
            xbar.Publisher("r", depth=2**40)
        for kind in (xbar.Topic, xbar.Loan, xbar.Sample, xbar.Stream, xbar.Request, xbar.Reply, xbar.log.Record):
            with self.assertRaises(TypeError):
                kind()

    def test_what_is_not_there(self):
        self.raises(xbar.NotFound, lambda: xbar.Subscriber("nobody"))
        self.raises(xbar.NotFound, lambda: xbar.Publisher.open("nobody"))
        self.raises(xbar.NotFound, lambda: xbar.Client("nobody"))
        self.assertIn("gave up after 150ms", self.raises(xbar.Timeout, lambda: xbar.Subscriber("nobody", 0.15)))
        with xbar.Publisher("r"), xbar.Subscriber("r") as subscriber:
            self.raises(xbar.NotFound, lambda: subscriber.subscribe("/a"))
            self.raises(xbar.Timeout, lambda: subscriber.subscribe("/a", timeout=0.15))
            self.raises(xbar.Timeout, lambda: subscriber.subscribe("/a", "oldest", timeout=0))

    def test_what_is_taken_or_full(self):
        with xbar.Publisher("r", topics=1, subscribers=1) as publisher:
            self.raises(xbar.Taken, lambda: xbar.Publisher("r"))
            topic = publisher.topic("/a")
            self.raises(xbar.Taken, lambda: publisher.topic("/a"))
            self.raises(xbar.Limit, lambda: publisher.topic("/b"))
            with xbar.Subscriber("r"):
                self.raises(xbar.Limit, lambda: xbar.Subscriber("r"))
            del topic

    def test_nothing_came(self):
        with xbar.Publisher("r") as publisher:
            topic = publisher.topic("/a")
            stream = xbar.Subscriber("r").subscribe("/a")
            for timeout in (0, 0.0, 0.15):
                self.raises(xbar.Timeout, lambda: stream.recv(timeout))
            self.raises(xbar.Invalid, lambda: stream.recv(-0.5))
            self.assertTrue(stream.wait_connected())
            topic.close()
            publisher.close()
            self.raises(xbar.Disconnected, stream.recv)
            self.assertFalse(stream.wait_connected(0.0))
            self.assertEqual(list(stream), [])

    def test_a_damaged_region_is_told_from_one_that_is_missing(self):
        with xbar.Publisher("r"):
            pass
        os.makedirs(os.path.join(self.regions, "r"), exist_ok=True)
        try:
            with self.assertRaises(xbar.Error):
                xbar.Subscriber("r")
        finally:
            os.rmdir(os.path.join(self.regions, "r"))

    def test_an_exception_survives_pickling(self):
        import pickle

        with xbar.Publisher("r", depth=2) as publisher:
            topic = publisher.topic("/a")
            stream = xbar.Subscriber("r").subscribe("/a")
            for _ in range(10):
                topic.send(b"x")
            with self.assertRaises(xbar.Lagged) as caught:
                stream.recv()
        copy = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((copy.missed, str(copy)), (caught.exception.missed, str(caught.exception)))


if __name__ == "__main__":
    unittest.main()
