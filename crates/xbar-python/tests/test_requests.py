"""Requests and replies."""

import unittest

import xbar
from support import Case, in_thread


class Requests(Case):
    def test_a_request_gets_its_answer(self):
        with xbar.Server("adder") as server, xbar.Client("adder") as client:
            numbers = [client.send(bytes([n, n + 1]), timeout=30) for n in range(5)]
            self.assertEqual(client.in_flight, 5)
            requests = [server.recv(30) for _ in range(5)]
            self.assertIsNone(server.try_recv())
            for request in reversed(requests):
                self.assertTrue(0 < request.time_left <= 30)
                with memoryview(request) as view:
                    self.assertTrue(view.readonly)
                    total = sum(view)
                request.reply(bytes([total]))
            for n, number in enumerate(numbers):
                self.assertEqual(bytes(client.wait(number)), bytes([2 * n + 1]))
            self.assertEqual(client.in_flight, 0)

    def test_an_echo_answers_with_the_request_itself(self):
        with xbar.Server("echo", max_bytes=100_000) as server, xbar.Client("echo") as client:
            for length in (0, 1, 1000, 100_000):
                answer = in_thread(lambda: client.call(b"x" * length, 30))
                request = server.recv(30)
                request.reply(request)
                self.assertEqual(bytes(answer()), b"x" * length)
                with self.assertRaises(xbar.Closed):
                    request.reply(b"")
                with self.assertRaises(xbar.Closed):
                    memoryview(request)

    def test_a_request_that_is_seen_is_not_answered(self):
        with xbar.Server("s") as server, xbar.Client("s") as client:
            number = client.send(b"x" * 100)
            request = server.recv(30)
            self.assertIsNone(request.time_left)
            view = memoryview(request)
            for data in (b"yes", request, view):
                with self.assertRaisesRegex(BufferError, "before you answer"):
                    request.reply(data)
            self.assertEqual(bytes(view), b"x" * 100)
            del view, data
            self.assertIsNone(client.try_recv(number))
            request.reply(b"yes")
            self.assertEqual(bytes(client.wait(number)), b"yes")

    def test_a_request_that_is_dropped_is_refused(self):
        with xbar.Server("s") as server, xbar.Client("s") as client:
            for end in (lambda request: None, lambda request: request.refuse(), lambda request: request.__exit__()):
                number = client.send(b"?", 30)
                request = server.recv(30)
                end(request)
                del request
                with self.assertRaises(xbar.Refused):
                    client.wait(number)
                with self.assertRaises(xbar.NotFound):
                    client.wait(number)

    def test_an_answer_that_does_not_come_is_a_timeout(self):
        with xbar.Server("s") as server, xbar.Client("s") as client:
            with self.assertRaises(xbar.Timeout):
                client.call(b"?", 0.15)
            self.assertIsNone(server.try_recv())
            self.assertEqual(server.expired, 1)
            number = client.send(b"?", 30)
            client.give_up(number)
            with self.assertRaises(xbar.NotFound):
                client.try_recv(number)
            with self.assertRaises(xbar.Timeout):
                server.recv(0)
                server.recv(0)

    def test_a_server_that_leaves_is_noticed_and_requests_it_holds_are_not_lost(self):
        server = xbar.Server("s")
        client = xbar.Client("s")
        numbers = [client.send(b"?", 30) for _ in range(2)]
        request = server.recv(30)
        server.close()
        with self.assertRaises(xbar.Closed):
            server.recv(0)
        request.reply(b"still")
        del request
        self.assertEqual(bytes(client.wait(numbers[0])), b"still")
        with self.assertRaises(xbar.Disconnected):
            client.wait(numbers[1])
        with self.assertRaises(xbar.Disconnected):
            client.call(b"?", 30)
        client.close()
        with self.assertRaises(xbar.Closed):
            client.call(b"?", 30)

    def test_sizes_and_names_that_cannot_be(self):
        with xbar.Server("s", clients=1, max_bytes=100) as server, xbar.Client("s") as client:
            with self.assertRaises(xbar.Invalid):
                client.call(b"x" * 200, 1)
            with self.assertRaises(xbar.Limit):
                xbar.Client("s")
            with self.assertRaises(xbar.Taken):
                xbar.Server("s", clients=1, max_bytes=100)
            number = client.send(b"?", 30)
            request = server.recv(30)
            with self.assertRaises(xbar.Invalid):
                request.reply(b"x" * 200)
            with self.assertRaises(xbar.Refused):
                client.wait(number)

    def test_clients_of_other_processes_are_served(self):
        with xbar.Server("squares") as server:
            others = [
                self.other(
                    """
                    import xbar
                    with xbar.Client("squares") as client:
                        for n in range(100):
                            assert bytes(client.call(n.to_bytes(8, "little"), 30)) == (n * n).to_bytes(8, "little")
                    """
                )
                for _ in range(2)
            ]
            for _ in range(200):
                with server.recv(30) as request:
                    n = int.from_bytes(bytes(request), "little")
                    request.reply((n * n).to_bytes(8, "little"))
            for other in others:
                other.finish()


if __name__ == "__main__":
    unittest.main()
