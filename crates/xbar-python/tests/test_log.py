"""Logs: appended, read in place or copied, sought, tailed by other processes."""

import os
import unittest

import xbar
from support import Case
from xbar.log import Reader, Writer

SMALL = {"segment_bytes": 1 << 16, "helper": False}


class Logs(Case):
    def setUp(self):
        super().setUp()
        self.logs = os.path.join(self.folder, "logs")

    def test_what_is_appended_is_read(self):
        with Writer(self.logs, "ticks", **SMALL) as writer:
            for number in range(3):
                self.assertEqual(writer.append(b"message %d" % number, tag=number, time_ns=10 * (number + 1)), number)
            self.assertEqual((writer.next_seq, writer.name), (3, "ticks"))
            writer.flush()
            reader = Reader(self.logs, "ticks")
            self.assertTrue(reader.is_written)
            for number in range(3):
                record = reader.next(0)
                self.assertEqual((record.seq, record.tag, record.time_ns), (number, number, 10 * (number + 1)))
                self.assertEqual((bytes(record), len(record)), (b"message %d" % number, 9))
                self.assertTrue(memoryview(record).readonly)
            self.assertIsNone(reader.try_next())
            with self.assertRaises(xbar.Timeout):
                reader.next(0.15)
        with self.assertRaisesRegex(xbar.Disconnected, "closed the log"):
            reader.next()
        self.assertEqual([bytes(record) for record in Reader(self.logs, "ticks")], [b"message %d" % n for n in range(3)])

    def test_a_reader_goes_where_it_is_told(self):
        with Writer(self.logs, "ticks", **SMALL) as writer:
            for number in range(5):
                writer.append(bytes([number]), time_ns=100 * (number + 1))
            reader = Reader(self.logs, "ticks", seq=3)
            self.assertEqual(reader.next(0).seq, 3)
            reader.seek("oldest")
            self.assertEqual(reader.next(0).seq, 0)
            reader.seek(time_ns=101)
            self.assertEqual(reader.next(0).seq, 1)
            self.assertEqual(reader.try_previous().seq, 1)
            self.assertEqual((reader.try_previous().seq, reader.try_previous()), (0, None))
            reader.seek("live")
            self.assertIsNone(reader.try_next())
            writer.append(b"new")
            self.assertEqual(bytes(reader.next(0)), b"new")
            self.assertIsNone(Reader(self.logs, "ticks", "live").try_next())
            with self.assertRaises(xbar.NotFound):
                reader.seek(seq=100)
            for wrong in ({}, {"place": "home"}, {"seq": 1, "time_ns": 2}):
                with self.assertRaises(xbar.Invalid):
                    reader.seek(**wrong)

    def test_a_record_in_place_holds_its_reader(self):
        with Writer(self.logs, "ticks", **SMALL) as writer:
            for number in range(3):
                writer.append(bytes([number]) * 1000)
            reader = Reader(self.logs, "ticks")
            record = reader.next(0, in_place=True)
            view = memoryview(record)
            for use in (reader.try_next, reader.next, lambda: reader.seek("oldest"), reader.close, reader.try_previous):
                with self.assertRaisesRegex(BufferError, "held in place"):
                    use()
            record.release()
            with self.assertRaisesRegex(BufferError, "held in place"):
                reader.try_next()
            with self.assertRaises(xbar.Closed):
                memoryview(record)
            self.assertEqual(bytes(view), b"\0" * 1000)
            view.release()
            with reader.try_next(in_place=True) as record:
                self.assertEqual(bytes(record), b"\1" * 1000)
            copied = reader.next(0)
            self.assertIsNone(reader.try_next())
            last = None
            reader.seek(seq=2)
            last = reader.next(0, in_place=True)
            view = memoryview(last)
            del reader, last
            self.assertEqual(bytes(view), bytes(copied))

    def test_what_was_deleted_is_counted(self):
        with Writer(self.logs, "ticks", keep_records=10, **SMALL) as writer:
            reader = Reader(self.logs, "ticks")
            for number in range(1000):
                writer.append(number.to_bytes(4, "little") * 100)
            with self.assertRaises(xbar.Lagged) as caught:
                while True:
                    reader.next(0)
            record = reader.next(0)
            self.assertEqual(record.seq + 1, reader.next_seq)
            self.assertGreater(caught.exception.missed, 0)

    def test_what_cannot_be(self):
        with self.assertRaises(xbar.NotFound):
            Reader(self.logs, "none")
        for wrong in ({"segment_bytes": 1}, {"sync_ms": 0}, {"sync_ms": 1, "sync_records": 1}, {"keep_seconds": -1.0}):
            with self.assertRaises(xbar.Invalid):
                Writer(self.logs, "ticks", **wrong)
        writer = Writer(self.logs, "ticks", sync_records=1, **SMALL)
        with self.assertRaises(xbar.Taken):
            Writer(self.logs, "ticks", **SMALL)
        with self.assertRaisesRegex(xbar.Invalid, "longer than"):
            writer.append(bytes(1 << 17))
        with self.assertRaises(OverflowError):
            writer.append(b"x", tag=1 << 16)
        with self.assertRaises(TypeError):
            writer.append("text")
        self.assertGreater(writer.most_bytes, 50_000)
        writer.close()
        writer.close()
        with self.assertRaises(xbar.Closed):
            writer.append(b"x")

    def test_a_log_is_tailed_and_goes_on_behind_a_death(self):
        code = """
            import sys
            from xbar.log import Writer
            writer = Writer(sys.argv[1], "ticks", segment_bytes=1 << 16)
            print("ready", flush=True)
            for line in sys.stdin:
                writer.append(line.rstrip().encode())
            """
        other = self.other(code, self.logs)
        other.expect("ready")
        reader = Reader(self.logs, "ticks")
        for number in range(100):
            other.say(f"line {number}")
            self.assertEqual(bytes(reader.next(30)), b"line %d" % number)
        other.kill()
        with self.assertRaisesRegex(xbar.Disconnected, "died"):
            reader.next(30)
        with Writer(self.logs, "ticks", **SMALL) as writer:
            self.assertEqual(writer.append(b"next"), 100)
            self.assertEqual(bytes(reader.next(30)), b"next")


if __name__ == "__main__":
    unittest.main()
