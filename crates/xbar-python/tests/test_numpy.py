"""Arrays upon messages: the memory itself, typed and shaped."""

import unittest

import xbar
from support import Case

try:
    import numpy
except ImportError:
    numpy = None


@unittest.skipIf(numpy is None, "numpy is not installed")
class Arrays(Case):
    def setUp(self):
        super().setUp()
        self.publisher = xbar.Publisher("r", block_bytes=1 << 16)
        self.addCleanup(self.publisher.close)
        self.topic = self.publisher.topic("/a")
        self.stream = xbar.Subscriber("r").subscribe("/a")
        self.addCleanup(self.stream.close)

    def test_an_array_is_sent_and_received_in_place(self):
        sent = numpy.arange(1200, dtype="float32").reshape(30, 40)
        self.topic.send(sent)
        sample = self.stream.recv(0)
        received = sample.array("float32", (30, 40))
        self.assertTrue(numpy.array_equal(sent, received))
        self.assertFalse(received.flags.writeable or received.flags.owndata)
        self.assertTrue(numpy.shares_memory(received, numpy.frombuffer(sample, dtype="float32")))
        address = received.__array_interface__["data"][0]
        self.assertEqual((address % 64, numpy.asarray(sample).__array_interface__["data"][0]), (0, address))
        with self.assertRaises(ValueError):
            received[0, 0] = 1
        del sample
        for _ in range(200):
            self.topic.send(bytes(4800))
        self.assertTrue(numpy.array_equal(sent, received))

    def test_an_array_is_written_in_place(self):
        loan = self.topic.loan(8 * 100)
        array = loan.array("float64", (10, 10))
        array[:] = numpy.eye(10)
        with self.assertRaises(BufferError):
            loan.publish()
        del array
        numpy.asarray(loan)[:8] = 7
        loan.publish()
        received = self.stream.recv(0).array("float64", (10, 10))
        self.assertTrue(numpy.array_equal(received[1:], numpy.eye(10)[1:]))
        self.assertEqual(bytes(received[0, :1]), b"\7" * 8)

    def test_records_strides_and_misfits(self):
        ticks = numpy.array([(1, 2.5), (2, 3.5)], dtype=[("id", "u4"), ("price", "f8")])
        self.topic.send(ticks)
        sample = self.stream.recv(0)
        self.assertEqual(sample.array(ticks.dtype)["price"].tolist(), [2.5, 3.5])
        self.assertEqual(sample.array().dtype, numpy.uint8)
        with self.assertRaises(ValueError):
            sample.array("float64", (7, 7))
        with self.assertRaises(ValueError):
            sample.array("S7")
        with self.assertRaisesRegex((BufferError, ValueError), "not C-contiguous"):
            self.topic.send(numpy.arange(10)[::2])
        self.topic.send(numpy.arange(10)[::2].copy())

    def test_arrays_are_asked_and_answered_and_kept(self):
        with xbar.Server("double") as server, xbar.Client("double") as client:
            number = client.send(numpy.arange(10.0))
            request = server.recv(0)
            request.reply(request.array("float64") * 2)
            answer = client.wait(number).array("float64")
            self.assertTrue(numpy.array_equal(answer, numpy.arange(10.0) * 2))
            del request, answer
        with xbar.log.Writer(self.folder, "log", segment_bytes=1 << 16, helper=False) as writer:
            writer.append(numpy.arange(10.0))
            record = xbar.log.Reader(self.folder, "log").next(0, in_place=True)
            self.assertTrue(numpy.array_equal(record.array("float64"), numpy.arange(10.0)))


if __name__ == "__main__":
    unittest.main()
