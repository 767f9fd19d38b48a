"""Views of messages: nothing is copied, nothing moves under a view, nothing is held for longer than it is seen."""

import array
import ctypes
import gc
import unittest

import xbar
from support import Case


class Views(Case):
    def setUp(self):
        super().setUp()
        self.publisher = xbar.Publisher("r", samples=2, loans=2, depth=4)
        self.topic = self.publisher.topic("/a")
        self.stream = xbar.Subscriber("r").subscribe("/a")

    def tearDown(self):
        self.publisher.close()
        del self.publisher, self.topic, self.stream

    def test_a_sample_is_read_only(self):
        self.topic.send(b"x" * 100)
        view = memoryview(self.stream.recv(0))
        self.assertTrue(view.readonly and view.c_contiguous)
        self.assertEqual((view.format, view.ndim, view.nbytes), ("B", 1, 100))
        with self.assertRaises(TypeError):
            view[0] = 1
        with self.assertRaisesRegex(TypeError, "not writable"):
            ctypes.c_char.from_buffer(self.stream_of(b"y" * 100))

    def stream_of(self, message):
        self.topic.send(message)
        return self.stream.recv(0)

    def test_a_view_is_the_memory_itself(self):
        loan = self.topic.loan(1000)
        first, second = memoryview(loan), memoryview(loan)
        first[:] = b"x" * 1000
        self.assertEqual(second, b"x" * 1000)
        place = ctypes.c_char.from_buffer(loan)
        place.value = b"y"
        self.assertEqual(first[0], ord("y"))
        self.assertEqual(ctypes.addressof(place) % 64, 0)

    def test_a_view_keeps_the_message_while_the_publisher_goes_on(self):
        sample = self.stream_of(b"A" * 1000)
        view = memoryview(sample)
        sample.release()
        del sample
        for number in range(100):
            self.topic.send(bytes([number]) * 1000)
        self.assertEqual(bytes(view), b"A" * 1000)

    def test_a_sample_counts_until_its_last_view_is_gone(self):
        held = [self.stream_of(b"x" * 100), self.stream_of(b"y" * 100)]
        view = memoryview(held[0])
        self.topic.send(b"z" * 100)
        for _ in range(2):
            with self.assertRaisesRegex(xbar.Limit, "2 samples are held"):
                self.stream.recv(0)
            held[0].release()
            held[0].release()
            with self.assertRaises(xbar.Closed):
                memoryview(held[0])
        self.assertEqual(bytes(view), b"x" * 100)
        view.release()
        with self.stream.recv(0) as sample:
            self.assertEqual(bytes(sample), b"z" * 100)
        with self.assertRaises(xbar.Closed):
            bytes(sample)
        self.assertIn("released", repr(sample))

    def test_a_loan_that_is_seen_is_not_published(self):
        for length in (10, 1000):
            loan = self.topic.loan(length)
            views = [memoryview(loan) for _ in range(2)]
            for view in views:
                with self.assertRaisesRegex(BufferError, "before you publish"):
                    loan.publish()
                view[:] = b"x" * length
                view.release()
            loan.publish()
            self.assertEqual(bytes(self.stream.recv(0)), b"x" * length)

    def test_a_loan_left_with_a_view_goes_with_the_view(self):
        with self.topic.loan(1000) as loan:
            view = memoryview(loan)
        with self.assertRaises(xbar.Closed):
            loan.publish()
        with self.assertRaises(xbar.Closed):
            memoryview(loan)
        view[:] = b"z" * 1000  # harms nobody
        other = self.topic.loan(1000)
        with self.assertRaises(xbar.Limit):
            self.topic.loan(1000)
        del view, loan
        gc.collect()
        self.topic.loan(1000).publish()
        other.publish()

    def test_views_outlive_every_handle(self):
        view = memoryview(self.stream_of(b"x" * 1000))
        loan = self.topic.loan(1000)
        seen = memoryview(loan)
        self.publisher.close()
        self.topic.close()
        self.stream.close()
        gc.collect()
        seen[:] = view
        self.assertEqual(seen, b"x" * 1000)
        del seen, loan, view

    def test_anything_with_a_contiguous_buffer_is_sent(self):
        numbers = array.array("d", [1.5, 2.5])
        grid = memoryview(bytes(range(6))).cast("B", (2, 3))
        for data in (b"bytes", bytearray(b"array"), memoryview(b"view"), numbers, grid, b"", bytearray(), ctypes.c_int(7)):
            self.assertEqual(bytes(self.stream_of(data)), bytes(data))
        sample = self.stream_of(b"x" * 100)
        self.assertEqual(bytes(self.stream_of(sample)), b"x" * 100)
        with self.assertRaisesRegex(BufferError, "not C-contiguous"):
            self.topic.send(memoryview(b"abcdef")[::2])
        for wrong in ("text", 7, None, [1, 2]):
            with self.assertRaises(TypeError):
                self.topic.send(wrong)

    def test_what_is_sent_is_let_go(self):
        data = bytearray(b"x" * 1000)
        self.topic.send(data)
        data.extend(b"y")  # refused while somebody has a view


if __name__ == "__main__":
    unittest.main()
