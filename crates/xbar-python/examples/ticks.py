"""Prices from one process to another: `ticks.py publish` reads lines such as `AAPL 223.01`, `ticks.py receive AAPL` prints those of AAPL.

Every price is a struct in shared memory, written and read in place.
"""

import struct
import sys

import xbar

TICK = struct.Struct("<dq")  # price, number


def publish(region):
    with xbar.Publisher(region) as publisher:
        topics = {}
        for number, line in enumerate(sys.stdin):
            symbol, price = line.split()
            if symbol not in topics:
                topics[symbol] = publisher.topic(f"/tick/{symbol}", value_type=("tick", TICK.size, 8))
            with topics[symbol].loan(TICK.size) as tick:
                TICK.pack_into(tick, 0, float(price), number)
                tick.publish()


def receive(region, symbol):
    with xbar.Subscriber(region, timeout=30) as subscriber:
        ticks = subscriber.subscribe(f"/tick/{symbol}", "oldest", timeout=30)
        while True:
            try:
                for tick in ticks:  # ends when the publisher does
                    price, _number = TICK.unpack_from(tick)
                    print(f"{price:.2f}", flush=True)
                return
            except xbar.Lagged as lagged:
                print(f"missed {lagged.missed}", file=sys.stderr)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["publish"]:
            publish("ticks")
        case ["receive", symbol]:
            receive("ticks", symbol)
        case _:
            sys.exit(__doc__)
