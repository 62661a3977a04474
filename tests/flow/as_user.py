"""Requests to a Unix socket as any user: who asks is what the kernel says of the connecting process. Needs root."""
import http.client, json, os, socket


class Connection(http.client.HTTPConnection):
    """To a Unix socket, as some user."""

    def __init__(self, path, uid):
        super().__init__("ragd", timeout=200)
        self.path, self.uid = path, uid

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        groups = os.getgroups()
        os.setgroups([])
        os.setegid(self.uid)
        os.seteuid(self.uid)
        try:
            self.sock.connect(self.path)
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)

    def ask(self, method, path, body=None, headers=None):
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        for attempt in (1, 2):
            try:
                self.request(method, path, body, headers or {})
                r = self.getresponse()
                return r.status, dict(r.getheaders()), r.read().decode("utf-8", "surrogateescape")
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.close()  # kept alive for too long
                if attempt == 2:
                    raise
