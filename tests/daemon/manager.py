"""Plays the service manager: hands over sockets and listens to what the daemon says of itself.

usage: manager.py RAGD DIR; prints "ok: …" or "NOT OK: …" lines.
"""
import os
import signal
import socket
import sys

ragd, top = sys.argv[1], sys.argv[2]


def check(name, good, more=""):
    print(("ok: " if good else "NOT OK: ") + name + ("" if good else f" ({more})"), flush=True)


def listener(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()
    return s


def start(args, fds, watchdog_us=None):
    """fork and exec with fds as descriptors 3 and up; LISTEN_PID is only known in the child."""
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name = f"@ragd-test-manager-{os.getpid()}"
    notify.bind("\0" + name[1:])
    notify.settimeout(200)
    pid = os.fork()
    if pid == 0:
        env = dict(os.environ, NOTIFY_SOCKET=name)
        if watchdog_us:
            env["WATCHDOG_USEC"] = str(watchdog_us)
        if fds:
            env["LISTEN_FDS"] = str(len(fds))
            env["LISTEN_PID"] = str(os.getpid())
        spare = [os.dup(fd) for fd in fds]  # all above 3 + len(fds), for the others are still open
        for i, fd in enumerate(spare):
            os.dup2(fd, 3 + i)
        log = os.open(top + "/manager.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.dup2(log, 2)
        os.execve(ragd, [ragd, "--user", "--state-dir", top + "/managed"] + args, env)
    return pid, notify


def hear(notify, what):
    """The next message that has this line; others (EXTEND_TIMEOUT, WATCHDOG) may come between."""
    while True:
        try:
            lines = notify.recv(4096).decode().split("\n")
        except socket.timeout:
            return []
        if what in lines:
            return lines


def healthz(path):
    with socket.socket(socket.AF_UNIX) as c:
        c.settimeout(200)
        c.connect(path)
        c.sendall(b"GET /healthz HTTP/1.1\r\nHost: ragd\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := c.recv(4096):
            data += piece
    return data.startswith(b"HTTP/1.1 200") and data.endswith(b'{"status":"ok"}')


a, b = top + "/a.sock", top + "/b.sock"
sockets = [listener(a), listener(b)]
pid, notify = start(["--socket", top + "/unused.sock"], [s.fileno() for s in sockets])
ready = hear(notify, "READY=1")
check("READY=1 once it serves", ready)
check("with the process", f"MAINPID={pid}" in ready, ready)
check("inherited socket serves", healthz(a))
check("so does the second", healthz(b))
check("no other is made", not os.path.exists(top + "/unused.sock"))
os.kill(pid, signal.SIGHUP)
reloading = hear(notify, "RELOADING=1")
check("RELOADING=1 with the time", any(l.startswith("MONOTONIC_USEC=") for l in reloading), reloading)
check("READY=1 after the reload", hear(notify, "READY=1"))
os.kill(pid, signal.SIGTERM)
check("STOPPING=1", hear(notify, "STOPPING=1"))
check("ends well", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0)
check("inherited sockets stay", os.path.exists(a) and os.path.exists(b))
notify.close()

pid, notify = start(["--socket", top + "/c.sock"], [], watchdog_us=20000)
check("READY=1 with a socket of its own", hear(notify, "READY=1"))
check("WATCHDOG=1 comes", hear(notify, "WATCHDOG=1"))
check("and again", hear(notify, "WATCHDOG=1"))
os.kill(pid, signal.SIGTERM)
check("ends well again", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0)
notify.close()

with open("/dev/null") as null:
    pid, notify = start(["--socket", top + "/c.sock"], [null.fileno()])
    check("what is no socket is refused", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1)
with open(top + "/manager.log") as log:
    check("with its sentence", "inherited descriptor 3" in log.read())
