"""What a case of the end-to-end tests is given, and how it says what is wrong."""

import pathlib
from dataclasses import dataclass

from support.lab import Lab
from support.shell import Failure


@dataclass
class Case:
    """One case: its name, its own lab instance, and where what it leaves behind goes."""
    name: str
    instance: str
    directory: pathlib.Path
    seconds: int

    def lab(self, seconds=None, **options):
        """A lab that leaves the switch's log in our directory."""
        return Lab(self.instance, seconds or self.seconds, keep_log=self.directory, **options)


def expect(condition, sentence):
    if not condition:
        raise Failure(sentence)


def expect_none(violations):
    if violations:
        raise Failure("; ".join(violations))
