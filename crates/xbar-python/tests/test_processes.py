"""Python and other processes, of Python and of Rust: every byte arrives, deaths are noticed, Ctrl-C ends a wait."""

import os
import signal
import unittest

import xbar
from support import Case

RECEIVE = """
    import sys, xbar
    stream = xbar.Subscriber("r", 30).subscribe("/a", timeout=30)
    print("ready", flush=True)
    for number, sample in enumerate(stream):
        assert sample.sequence == number, sample
        assert bytes(sample) == bytes([number % 256]) * len(sample), sample
    print(stream.received, stream.missed, flush=True)
"""


class Processes(Case):
    def test_a_subscriber_that_came_first_gets_everything_and_hears_of_the_end(self):
        other = self.other(RECEIVE)
        with xbar.Publisher("r", depth=8) as publisher:
            topic = publisher.topic("/a", delivery="lossless")
            other.expect("ready")
            for number in range(1000):
                topic.send(bytes([number % 256]) * (number * 4), timeout=30)
        self.assertEqual(other.finish(), "1000 0\n")

    def test_a_killed_publisher_ends_the_wait_of_its_reader(self):
        other = self.other(
            """
            import sys, xbar
            publisher = xbar.Publisher("r")
            topic = publisher.topic("/a")
            print("ready", flush=True)
            sys.stdin.readline()
            topic.send(b"last words")
            loan = topic.loan(1000)
            print("sent", flush=True)
            sys.stdin.readline()
            """
        )
        other.expect("ready")
        stream = xbar.Subscriber("r").subscribe("/a")
        other.say("go")
        other.expect("sent")
        other.kill()
        self.assertEqual([bytes(sample) for sample in stream], [b"last words"])
        with self.assertRaises(xbar.Disconnected):
            stream.recv()
        # The name is free.
        with xbar.Publisher("r") as publisher:
            self.assertGreater(publisher.epoch, 1)

    def test_a_killed_subscriber_holds_nothing(self):
        with xbar.Publisher("r", depth=4) as publisher:
            topic = publisher.topic("/a", delivery="lossless")
            other = self.other(
                """
                import sys, xbar
                stream = xbar.Subscriber("r").subscribe("/a")
                print("ready", flush=True)
                held = stream.recv(30), memoryview(stream.recv(30))
                print("holds", flush=True)
                sys.stdin.readline()
                """
            )
            other.expect("ready")
            for _ in range(2):
                topic.send(b"x" * 1000)
            other.expect("holds")
            other.kill()
            for _ in range(50):
                topic.send(b"x" * 1000, timeout=30)

    def interrupted(self, code):
        """Another process that is interrupted while it waits, and says what became of it."""
        other = self.other(
            """
            import sys, signal, threading, xbar
            signal.signal(signal.SIGUSR1, lambda *_: print("handled", flush=True))
            def wait(use):
                print("ready", flush=True)
                try:
                    use()
                except KeyboardInterrupt:
                    print("interrupted", flush=True)
            """
            + code
        )
        other.expect("ready")
        other.until_asleep()
        # A handler that returns goes on with the wait; Ctrl-C ends it.
        os.kill(other.pid, signal.SIGUSR1)
        other.expect("handled")
        other.until_asleep()
        os.kill(other.pid, signal.SIGINT)
        other.expect("interrupted")
        return other.finish()

    def test_ctrl_c_ends_a_wait_for_a_message(self):
        with xbar.Publisher("r") as publisher:
            publisher.topic("/a")
            code = """
            stream = xbar.Subscriber("r").subscribe("/a")
            wait(stream.recv)
            print(stream.try_recv())
            """
            self.assertEqual(self.interrupted(code), "None\n")
            self.assertEqual(self.interrupted(code.replace("wait(stream.recv)", "wait(lambda: next(stream))")), "None\n")

    def test_ctrl_c_ends_a_wait_for_room_and_the_loan_stays(self):
        code = """
            publisher = xbar.Publisher("full")
            topic = publisher.topic("/a", delivery="lossless", depth=4)
            stream = xbar.Subscriber("full").subscribe("/a")
            try:
                while True:
                    topic.send(b"x", timeout=0)
            except xbar.Full:
                pass
            loan = topic.loan(100)
            memoryview(loan)[:] = bytes(100)
            wait(loan.publish)
            stream.recv()
            stream.recv()
            print(loan.publish(timeout=0) > 0)
            """
        self.assertEqual(self.interrupted(code), "True\n")
        code = code.replace("wait(loan.publish)", "wait(lambda: topic.send(b'y' * 100))")
        self.assertEqual(self.interrupted(code), "True\n")

    def test_ctrl_c_ends_a_wait_for_a_region_a_topic_a_request_and_an_answer(self):
        self.assertEqual(self.interrupted("""
            wait(lambda: xbar.Subscriber("nobody", float("inf")))
            """), "")
        with xbar.Publisher("r"):
            self.assertEqual(self.interrupted("""
            wait(lambda: xbar.Subscriber("r").subscribe("/never", timeout=1e9))
            """), "")
        self.assertEqual(self.interrupted("""
            wait(xbar.Server("served").recv)
            """), "")
        with xbar.Server("silent"):
            self.assertEqual(self.interrupted("""
            client = xbar.Client("silent")
            wait(lambda: client.call(b"?", 1e6))
            print(client.in_flight)
            """), "0\n")

    def test_what_python_publishes_rust_prints(self):
        echo = self.command("echo", "r", "/a", "--count", "3", "--timeout", "30")
        with xbar.Publisher("r") as publisher:
            topic = publisher.topic("/a", delivery="lossless")
            while topic.reader_count == 0:
                self.assertIsNone(echo.process.poll())
            for line in ("one", "two" * 100, "three"):
                topic.send(line.encode())
            output = echo.finish()
        for line in ("one", "two" * 100, "three"):
            self.assertIn(line, output)

    def test_what_rust_publishes_python_receives(self):
        pub = self.command("pub", "r", "/tick", "--wait-subscribers", "1")
        stream = xbar.Subscriber("r", 30).subscribe("/tick", "oldest", 30)
        for line in ("AAPL 223.01", "x" * 1000, "MSFT 410.50"):
            pub.say(line)
            self.assertEqual(bytes(stream.recv(30)), line.encode())
        pub.finish()
        self.assertEqual(list(stream), [])

    def test_a_forked_child_takes_nothing_from_its_parent(self):
        with xbar.Publisher("r", samples=2) as publisher:
            topic = publisher.topic("/a")
            stream = xbar.Subscriber("r").subscribe("/a")
            topic.send(b"x" * 1000)
            sample, loan = stream.recv(0), topic.loan(1000)
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    del sample, loan
                    stream.close()
                    publisher.close()
                    code = 0
                finally:
                    os._exit(code)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            for number in range(100):
                topic.send(bytes([number]) * 1000)
            self.assertEqual(bytes(sample), b"x" * 1000)
            memoryview(loan)[:] = b"y" * 1000
            loan.publish()


if __name__ == "__main__":
    unittest.main()
