#!/usr/bin/python3 -B
"""A bad cable between two network devices: frames are lost, and some are overtaken by those behind them.

    cable.py --lose 5 --delay 3 --seed 7 client switch

Both directions alike. A frame that is delayed waits until a few later ones of its direction have passed, or
LONGEST_S if they do not come. Prints "ready" once it passes frames, and runs until it is killed.
"""

import argparse
import random
import select
import socket
import time

ALL_PROTOCOLS = 3                   # ETH_P_ALL: linux/if_ether.h
SOL_PACKET, IGNORE_OUTGOING = 263, 23   # what is sent here does not come back: linux/if_packet.h
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 8 << 20              # a burst waits here while the machine does something else
MOST_OVERTAKING = 8                 # three are a loss in the eyes of a TCP (RFC 5681, 3.2)
LONGEST_S = 0.05


class Direction:
    """Frames from one device to the other."""

    def __init__(self, source, sink, arguments):
        self._source, self._sink = source, sink
        self._lose, self._delay = arguments.lose / 100, arguments.delay / 100
        self._chance = random.Random(f"{arguments.seed} {source.getsockname()[0]}")
        self._passed = 0
        self._waiting = []              # (behind how many, until when, frame)

    def take(self):
        """One that has arrived."""
        frame = self._source.recv(65536)
        if self._chance.random() < self._lose:
            return
        if self._chance.random() < self._delay:
            behind = self._passed + self._chance.randint(1, MOST_OVERTAKING)
            self._waiting.append((behind, time.monotonic() + LONGEST_S, frame))
        else:
            self._pass(frame)

    def release(self):
        """Those that have waited enough; True if any is left."""
        now = time.monotonic()
        due = [one for one in self._waiting if one[0] <= self._passed or one[1] <= now]
        for one in due:
            self._waiting.remove(one)
            self._pass(one[2])
        return bool(self._waiting)

    def _pass(self, frame):
        self._passed += 1
        self._sink.send(frame)


def opened(device):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    end.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
    end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    end.bind((device, ALL_PROTOCOLS))
    return end


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lose", type=float, default=0, metavar="PERCENT", help="of all frames (0)")
    parser.add_argument("--delay", type=float, default=0, metavar="PERCENT", help="of those that are not lost (0)")
    parser.add_argument("--seed", type=int, default=1, help="of chance (1)")
    parser.add_argument("devices", nargs=2)
    arguments = parser.parse_args()
    one, other = (opened(device) for device in arguments.devices)
    directions = {one: Direction(one, other, arguments), other: Direction(other, one, arguments)}
    print("ready", flush=True)
    some_wait = False
    while True:
        for end in select.select(directions, [], [], LONGEST_S if some_wait else None)[0]:
            directions[end].take()
        some_wait = any([direction.release() for direction in directions.values()])


if __name__ == "__main__":
    main()
