"""Topics of every kind, within one process."""

import unittest

import xbar
from support import Case


class Topics(Case):
    def test_messages_of_any_length_arrive_whole_and_in_order(self):
        with xbar.Publisher("r", block_bytes=100_000, depth=8) as publisher, xbar.Subscriber("r") as subscriber:
            topic = publisher.topic("/a")
            with subscriber.subscribe("/a") as stream:
                for number, length in enumerate([0, 1, 40, 41, 48, 49, 4096, 100_000]):
                    message = bytes((number + i) % 251 for i in range(length))
                    self.assertEqual(topic.send(message), number)
                    sample = stream.recv(0)
                    self.assertEqual((bytes(sample), len(sample), sample.sequence), (message, length, number))
                self.assertIsNone(stream.try_recv())
                self.assertEqual((stream.received, stream.missed, stream.pending), (8, 0, 0))

    def test_a_loan_is_written_in_place_and_published_once(self):
        with xbar.Publisher("r") as publisher:
            topic = publisher.topic("/a")
            stream = xbar.Subscriber("r").subscribe("/a")
            for length in (5, 48, 49, 4096):
                loan = topic.loan(length)
                with memoryview(loan) as view:
                    self.assertFalse(view.readonly)
                    view[:] = bytes([length % 256]) * length
                self.assertEqual(len(loan), length)
                number = loan.publish()
                sample = stream.recv(0)
                self.assertEqual((sample.sequence, bytes(sample)), (number, bytes([length % 256]) * length))
                with self.assertRaises(xbar.Closed):
                    loan.publish()
                with self.assertRaises(xbar.Closed):
                    memoryview(loan)

    def test_loans_that_are_dropped_or_left_come_back_unpublished(self):
        with xbar.Publisher("r", loans=2) as publisher:
            topic = publisher.topic("/a")
            stream = xbar.Subscriber("r").subscribe("/a")
            for _ in range(20):
                with topic.loan(1000):
                    topic.loan(1000)
            held = [topic.loan(1000), topic.loan(1000)]
            with self.assertRaisesRegex(xbar.Limit, "2 loans are out"):
                topic.loan(1000)
            held.pop().release()
            topic.loan(1000).publish()
            self.assertEqual(stream.recv(0).sequence, 0)
            self.assertIsNone(stream.try_recv())

    def test_what_is_overwritten_is_counted_once(self):
        with xbar.Publisher("r", depth=8) as publisher:
            topic = publisher.topic("/a")
            stream = xbar.Subscriber("r").subscribe("/a")
            for number in range(100):
                topic.send(number.to_bytes(4, "little"))
            with self.assertRaises(xbar.Lagged) as caught:
                stream.recv(0)
            missed = caught.exception.missed
            self.assertIn(f"{missed} messages were overwritten", str(caught.exception))
            first = stream.recv(0)
            self.assertEqual(int.from_bytes(bytes(first), "little"), missed)
            while stream.try_recv() is not None:
                pass
            self.assertEqual((stream.missed, stream.received + stream.missed), (missed, 100))

    def test_a_full_lossless_topic_says_so_and_loses_nothing(self):
        with xbar.Publisher("r") as publisher:
            topic = publisher.topic("/a", delivery="lossless", depth=4)
            stream = xbar.Subscriber("r").subscribe("/a")
            self.assertEqual((topic.delivery, stream.delivery, topic.reader_count), ("lossless", "lossless", 1))
            sent = 0
            with self.assertRaises(xbar.Full):
                while True:
                    topic.send(b"x" * 60, timeout=0)
                    sent += 1
            with self.assertRaises(xbar.Full):
                topic.send(b"x", timeout=0.15)
            loan = topic.loan(100)
            memoryview(loan)[:] = b"y" * 100
            with self.assertRaises(xbar.Full):
                loan.publish(timeout=0.15)
            for _ in range(sent):
                self.assertEqual(bytes(stream.recv(0)), b"x" * 60)
            self.assertEqual(loan.publish(timeout=0), sent)
            self.assertEqual(bytes(stream.recv(0)), b"y" * 100)

    def test_a_pinned_topic_is_its_latest_value(self):
        with xbar.Publisher("r") as publisher:
            pose = publisher.topic("/pose", delivery="pinned")
            stream = xbar.Subscriber("r").subscribe("/pose")
            self.assertIsNone(stream.latest())
            for value in (b"one" * 30, b"two"):
                pose.send(value)
            self.assertEqual([bytes(stream.latest()) for _ in range(3)], [b"two"] * 3)
            lossy = publisher.topic("/lossy")
            with self.assertRaisesRegex(xbar.Invalid, "not pinned"):
                xbar.Subscriber("r").subscribe("/lossy").latest()
            lossy.close()

    def test_a_stream_begins_where_it_is_told(self):
        with xbar.Publisher("r", depth=16) as publisher, xbar.Subscriber("r") as subscriber:
            topic = publisher.topic("/a")
            for number in range(5):
                topic.send(bytes([number]))
            for start, expected in [("oldest", 0), (2, 3), (1, 4), ("now", None), (None, None)]:
                for timeout in (None, 0):
                    with subscriber.subscribe("/a", start, timeout) as stream:
                        sample = stream.try_recv()
                        self.assertEqual(sample and sample.sequence, expected, (start, timeout))
            for wrong in ("yesterday", -1, 1.5, b"oldest"):
                with self.assertRaisesRegex(xbar.Invalid, "a stream cannot begin"):
                    subscriber.subscribe("/a", wrong)

    def test_publish_times_are_those_of_the_monotonic_clock(self):
        import time

        with xbar.Publisher("r", publish_times=True) as publisher:
            topic = publisher.topic("/a")
            stream = xbar.Subscriber("r").subscribe("/a")
            before = time.monotonic_ns()
            topic.send(b"x")
            sample = stream.recv(0)
            self.assertTrue(before <= sample.publish_time_ns <= time.monotonic_ns())
            self.assertAlmostEqual(sample.publish_time, sample.publish_time_ns / 1e9)
        with xbar.Publisher("without") as publisher:
            topic = publisher.topic("/a")
            stream = xbar.Subscriber("without").subscribe("/a")
            topic.send(b"x")
            self.assertIsNone(stream.recv(0).publish_time)

    def test_many_publishers_share_a_topic_and_one_alone_does_not(self):
        with xbar.Publisher("r") as one, xbar.Publisher.open("r") as two:
            topics = [publisher.topic("/many", many_publishers=True) for publisher in (one, two)]
            stream = xbar.Subscriber("r").subscribe("/many")
            self.assertEqual([topic.send(b"x") for topic in topics], [0, 1])
            self.assertEqual([stream.recv(0).sequence for _ in range(2)], [0, 1])
            alone = one.topic("/alone")
            with self.assertRaises(xbar.Taken):
                two.topic("/alone")
            alone.close()
            two.topic("/alone").send(b"x")

    def test_size_classes_budgets_and_types(self):
        frames = xbar.SizeClass(1 << 20, topics=1, depth=2)
        with xbar.Publisher("r", block_bytes=256, size_classes=[frames]) as publisher:
            camera = publisher.topic("/camera", max_bytes=1 << 20, depth=2)
            quote = publisher.topic("/quote", value_type=("quote", 16, 8))
            subscriber = xbar.Subscriber("r")
            stream = subscriber.subscribe("/camera")
            camera.send(bytes(1 << 20))
            self.assertEqual(len(stream.recv(0)), 1 << 20)
            self.assertIn("quote of 16 bytes", subscriber.subscribe("/quote").value_type)
            self.assertEqual(sorted(subscriber.topics()), ["/camera", quote.uri])
        with xbar.Publisher("budget", budget_bytes=8 << 20, topics=4, depth=4) as publisher:
            (region,) = xbar.discover()
            self.assertLessEqual(region.footprint_bytes, 8 << 20)
            self.assertEqual(region.name, publisher.region)

    def test_discovery_finds_what_matches(self):
        self.assertEqual(xbar.discover(), [])
        with xbar.Publisher("r") as publisher:
            topic = publisher.topic("/tick/AAPL", depth=10)
            publisher.topic("/other")
            topic.send(b"x")
            (region,) = xbar.discover("/tick/*")
            self.assertIsInstance(region, xbar.RegionInfo)
            self.assertEqual((region.name, region.publishers, region.subscribers), ("r", 1, 0))
            (info,) = region.topics
            self.assertIsInstance(info, xbar.TopicInfo)
            self.assertEqual(
                (info.uri, info.published, info.delivery, info.depth, info.publishers),
                ("/tick/AAPL", 1, "lossy", 10, 1),
            )
            self.assertEqual(len(xbar.discover()[0].topics), 2)
            self.assertEqual(xbar.discover("/none"), [])
            self.assertEqual(xbar.discover(dir=self.folder + "/elsewhere"), [])

    def test_handles_are_closed_in_any_order_and_twice(self):
        publisher = xbar.Publisher("r")
        topic = publisher.topic("/a")
        subscriber = xbar.Subscriber("r")
        stream = subscriber.subscribe("/a")
        subscriber.close()
        topic.send(b"first" * 20)
        sample = stream.recv(0)
        loan = topic.loan(100)
        publisher.close()
        publisher.close()
        for use in (lambda: topic.send(b"x"), lambda: topic.loan(1), lambda: publisher.topic("/b")):
            with self.assertRaisesRegex(xbar.Closed, "publisher is closed"):
                use()
        self.assertEqual(loan.publish(), 1)
        self.assertEqual(len(stream.recv(0)), 100)
        for closed in (topic, stream, stream, subscriber):
            closed.close()
        for use in (stream.recv, stream.try_recv, stream.latest, lambda: stream.received, subscriber.topics):
            with self.assertRaises(xbar.Closed):
                use()
        self.assertEqual(bytes(sample), b"first" * 20)
        self.assertEqual(repr(publisher), "<xbar.Publisher of r>")


if __name__ == "__main__":
    unittest.main()
