#!/usr/bin/env python3
"""requests.py SOCKET UID N PATH BODY: N requests at once, each on a connection of its own, as the user UID; the
status of each reply on a line of its own as it comes. Only root can be somebody else."""
import os
import selectors
import socket
import sys

path, uid, n, target, body = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
if uid != os.getuid():
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
request = (f"POST {target} HTTP/1.1\r\nHost: ragd\r\nContent-Type: application/json\r\n"
           f"Content-Length: {len(body.encode())}\r\n\r\n{body}").encode()
wait = selectors.DefaultSelector()
for _ in range(n):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall(request)
    wait.register(s, selectors.EVENT_READ)
while n > 0:
    for key, _ in wait.select():
        print(key.fileobj.recv(4096).split()[1].decode(), flush=True)
        wait.unregister(key.fileobj)
        n -= 1
