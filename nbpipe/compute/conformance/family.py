"""A script that starts processes which try to get away, each in its own manner."""

from __future__ import annotations

PRELUDE = """
import os, signal, sys, time

def tell(name):
    os.write(1, ("%s %d\\n" % (name, os.getpid())).encode())

def deafen():
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)

def child(name, daemon=False, deaf=False, session=False):
    ready, told = os.pipe()
    pid = os.fork()
    if pid:
        os.read(ready, 1)
        if daemon:
            os.waitpid(pid, 0)
        return
    if session or daemon:
        os.setsid()
    if daemon and os.fork():
        os._exit(0)
    if deaf:
        deafen()
    tell(name)
    os.write(told, b"x")
    while True:
        time.sleep(600)

"""
"""What the scripts below stand on."""

NAMES = ("plain", "deaf", "session", "daemon")
"""Who gets away, from the easiest to find to the hardest."""

_MADE = {
    "plain": 'child("plain")',
    "deaf": 'child("deaf", deaf=True)',
    "session": 'child("session", session=True, deaf=True)',
    "daemon": 'child("daemon", daemon=True, deaf=True)',
}


def family(names: tuple[str, ...]) -> str:
    """A script that starts those of these names and tells the process numbers of all, its own last, as ``job``."""
    return PRELUDE + "\n".join(_MADE[name] for name in names) + '\ntell("job")\n'
