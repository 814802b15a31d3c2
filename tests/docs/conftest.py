"""The fixtures of this folder."""

from tests.support.fixtures import event_loop_of_the_thread

__all__ = ["event_loop_of_the_thread"]
