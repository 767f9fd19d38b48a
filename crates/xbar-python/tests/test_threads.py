"""One thread at a time: a second is refused at once, nobody blocks the interpreter, and drops in any thread end what they should."""

import gc
import threading
import time
import unittest

import xbar
from support import Case, in_thread


def until(condition):
    """Waits until `condition`, which another thread brings about."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0)


def is_busy(use):
    try:
        use()
    except xbar.Busy:
        return True
    except xbar.Error:
        pass
    return False


class Threads(Case):
    def setUp(self):
        super().setUp()
        self.publisher = xbar.Publisher("r", loans=2, samples=2)
        self.addCleanup(self.publisher.close)

    def test_a_waiting_stream_is_busy_for_others_and_stops_nobody(self):
        topic = self.publisher.topic("/a")
        stream = xbar.Subscriber("r").subscribe("/a")
        received = in_thread(lambda: bytes(stream.recv(30)))
        until(lambda: is_busy(stream.try_recv))
        for use in (stream.recv, stream.latest, stream.close, lambda: stream.received, lambda: next(stream)):
            with self.assertRaisesRegex(xbar.Busy, "the stream is in use"):
                use()
        topic.send(b"wake up")  # another handle, in this thread
        self.assertEqual(received(), b"wake up")
        stream.close()

    def test_a_publisher_that_waits_for_room_is_busy_for_its_topics_and_loans(self):
        topic = self.publisher.topic("/a", delivery="lossless", depth=4)
        other = self.publisher.topic("/b")
        stream = xbar.Subscriber("r").subscribe("/a")
        loan = other.loan(1000)
        sent = 0
        try:
            while True:
                topic.send(bytes([sent]) * 100, timeout=0)
                sent += 1
        except xbar.Full:
            pass
        last = in_thread(lambda: topic.send(bytes([sent]) * 100))
        until(lambda: is_busy(lambda: other.reader_count))
        for use in (lambda: other.send(b"x"), lambda: topic.loan(1), loan.publish, self.publisher.close, topic.close):
            with self.assertRaises(xbar.Busy):
                use()
        # Dropped meanwhile: it comes back when the publisher is not busy any more.
        del loan, use
        gc.collect()
        self.assertEqual([bytes(stream.recv(30))[0] for _ in range(sent + 1)], list(range(sent + 1)))
        self.assertEqual(last(), sent)
        held = [other.loan(1000), other.loan(1000)]
        self.assertEqual(len(held), 2)
        stream.close()

    def test_a_loan_that_waits_for_room_is_nobody_elses(self):
        topic = self.publisher.topic("/a", delivery="lossless", depth=4)
        stream = xbar.Subscriber("r").subscribe("/a")
        try:
            while True:
                topic.send(b"x", timeout=0)
        except xbar.Full:
            pass
        loan = topic.loan(1000)
        memoryview(loan)[:] = b"y" * 1000
        published = in_thread(loan.publish)
        until(lambda: is_busy(lambda: topic.reader_count))
        for use in (lambda: memoryview(loan), loan.publish):
            with self.assertRaises(xbar.Closed):
                use()
        while len(sample := stream.recv(30)) == 1:
            pass
        self.assertEqual(bytes(sample), b"y" * 1000)
        self.assertEqual(published(), sample.sequence)
        stream.close()

    def test_samples_and_loans_are_dropped_in_any_thread(self):
        topic = self.publisher.topic("/a")
        stream = xbar.Subscriber("r").subscribe("/a")
        for _ in range(50):
            topic.send(b"x" * 1000)
            things = [stream.recv(0), topic.loan(1000)]
            views = [memoryview(thing) for thing in things]

            def drop():
                views.clear()
                things.clear()

            in_thread_done = in_thread(drop)
            in_thread_done()
        self.assertEqual(len([topic.loan(1000), topic.loan(1000)]), 2)
        stream.close()

    def test_threads_with_handles_of_their_own_do_not_meet(self):
        topic = self.publisher.topic("/a", delivery="lossless", depth=16)
        ready = threading.Barrier(4)
        messages = 3000

        def receive():
            stream = xbar.Subscriber("r").subscribe("/a")
            ready.wait(30)
            numbers = [int.from_bytes(bytes(stream.recv(30)), "little") for _ in range(messages)]
            stream.close()
            return numbers

        receivers = [in_thread(receive) for _ in range(3)]
        ready.wait(30)
        for number in range(messages):
            topic.send(number.to_bytes(100 if number % 2 else 8, "little"), timeout=30)
        for receiver in receivers:
            self.assertEqual(receiver(), list(range(messages)))


if __name__ == "__main__":
    unittest.main()
