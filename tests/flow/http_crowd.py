"""http_crowd.py forward SOCKET PORTFILE | hold SOCKET N READY | bodies SOCKET N MIB READY | unread SOCKET N PATH READY

forward: what socat does, TCP on 127.0.0.1 to the socket; the port is written to PORTFILE. The others are one
user's flood: hold opens N connections, bodies sends N bodies of MIB MiB but for their last byte, unread asks N
times and reads nothing. What became of them is written to READY ("open=N refused=N": refused is a 429),
then they stay as they are until stdin ends. With CROWD_UID in the environment it is that user's.
"""
import os, select, socket, sys, threading


def client(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(200)
    s.connect(path)
    return s


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def forward(path, portfile):
    listener = socket.create_server(("127.0.0.1", 0))
    with open(portfile + ".new", "w") as f:
        f.write(str(listener.getsockname()[1]))
    os.rename(portfile + ".new", portfile)
    while True:
        tcp, _ = listener.accept()
        unix = socket.socket(socket.AF_UNIX)
        unix.connect(path)
        for pair in ((tcp, unix), (unix, tcp)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


def told(s, wait):
    """The status that s was answered, None if there is none yet."""
    if not select.select([s], [], [], wait)[0]:
        return None
    head = s.recv(16, socket.MSG_PEEK)
    return int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else None


def send(s, data):
    try:
        s.sendall(data)
    except OSError:  # refused meanwhile
        pass


def flood(path, n, begin, ready, wait):
    held = []
    for _ in range(n):
        held.append(client(path))
        begin(held[-1])
    refused = sum(told(s, wait) == 429 for s in held)
    with open(ready + ".new", "w") as f:
        f.write("open=%d refused=%d" % (n - refused, refused))
    os.rename(ready + ".new", ready)
    sys.stdin.read()


def hold(path, n, ready):
    # Those that get in hear nothing; those that do not are told after a second.
    flood(path, n, lambda s: None, ready, 0)


def bodies(path, n, mib, ready):
    size = mib << 20
    head = "POST /v1/moderations HTTP/1.1\r\nHost: ragd\r\nContent-Length: %d\r\n\r\n" % size
    flood(path, n, lambda s: send(s, head.encode() + b" " * (size - 1)), ready, 0.2)


def unread(path, n, what, ready):
    flood(path, n, lambda s: send(s, ("GET %s HTTP/1.1\r\nHost: ragd\r\n\r\n" % what).encode()), ready, 1)


if "CROWD_UID" in os.environ:  # not by setpriv: the interpreter may be one that only root can start
    uid = int(os.environ["CROWD_UID"])
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
if sys.argv[1] == "forward":
    forward(*sys.argv[2:])
elif sys.argv[1] == "hold":
    hold(sys.argv[2], int(sys.argv[3]), sys.argv[4])
elif sys.argv[1] == "bodies":
    bodies(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
else:
    unread(sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
