# What rag does on a terminal: terminal.py RAG FOLDER, with RAGD_SOCKET set. Reads until what it waits for is
# there; nothing sleeps.
import fcntl
import os
import pty
import re
import select
import stat
import struct
import sys
import termios
import time

rag, folder = sys.argv[1:3]
failed = 0


def check(name, ok, text=""):
    global failed
    print(("ok: " if ok else "NOT OK: ") + name + ("" if ok else ": %r" % text))
    failed += not ok


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *args, columns=40, **env):
        values = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
        values.update(TERM="xterm", LC_ALL="C.UTF-8")
        values.update(env)
        self.text, self.closed = "", False
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execve(rag, ["rag", *args], values)

    def read(self, deadline, what):
        if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise SystemExit("timed out waiting for %s; so far: %r" % (what, self.text))
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.text += data.decode("utf-8", "replace")
        self.closed = not data

    def until(self, pattern, seconds=200):
        """Everything up to the end of the pattern, which is taken away."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            if self.closed:
                raise SystemExit("ended before %r came; so far: %r" % (pattern, self.text))
            self.read(deadline, repr(pattern))
        seen, self.text = self.text[: found.end()], self.text[found.end() :]
        return seen

    def send(self, text):
        os.write(self.fd, text.encode())

    def end(self, seconds=200):
        """The rest, and the exit status."""
        deadline = time.monotonic() + seconds
        while not self.closed:
            self.read(deadline, "the end")
        return self.text, os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


words = "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk llll"
text, status = Terminal("ask", words).end()
answer = plain(text).split("\n\n")[0]
check("an answer is wrapped", status == 0 and max(map(len, answer.split("\n"))) <= 40 and answer.count("\n") >= 1, text)
check("no word is lost", words in answer.replace("\n", " "), answer)
check("there are colours", "\x1b[" in text, text)
for name, env, args in (
    ("NO_COLOR takes them away", {"NO_COLOR": "1"}, []),
    ("so does a dumb terminal", {"TERM": "dumb"}, []),
    ("so does --color never", {}, ["--color", "never"]),
):
    text, status = Terminal("ask", *args, "hello", **env).end()
    check(name, status == 0 and "\x1b[" not in text and "hello" in text, text)
text, status = Terminal("ask", "one\x1b[31mtwo\x07three").end()
check("what a text says to the terminal is not done", "\x1b[31m" not in text.split("Sources")[0] and "\x07" not in text, text)

docs = os.path.join(folder, "many")
os.mkdir(docs)
for i in range(64):
    with open(os.path.join(docs, "%d.txt" % i), "w") as f:
        f.write("A line about topic %d. " % i * 8000)
text, status = Terminal("add", docs, columns=100).end(300)
check("a folder has a progress bar", re.search(r"\[#* *\] +\d+%", text) is not None, text)
check("and its summary", "added 64, updated 0, unchanged 0, failed 0" in text, text)

home = os.path.join(folder, "chat-home")
t = Terminal("chat", columns=80, XDG_STATE_HOME=home)
t.until("Ctrl-D leaves")
t.until("> ")
t.send("hello wrld\x02\x02\x02o\n")  # three back, and the letter that is missing
text = plain(t.until("check it elsewhere"))
check("chat edits and answers", text.rsplit("hello w", 1)[-1].startswith("orld\n"), text)
t.until("> ")
t.send("half a line\x03")
t.until("> ")
t.send("second\n")
text = plain(t.until("check it elsewhere"))
check("Ctrl-C threw the line away", "half" not in text.split("second", 1)[1], text)
t.until("> ")
t.send("\x1b[A\n")
text = plain(t.until("check it elsewhere"))
check("the arrow brings the last one back", text.count("second") >= 2, text)
t.until("> ")
t.send("/help\n")
check("help", "/sources" in t.until("Ctrl-C stops an answer"))
t.until("> ")
t.send("\x04")
text, status = t.end()
check("Ctrl-D leaves", status == 0, text)
history = os.path.join(home, "ragd", "history")
check("history is kept", "second" in open(history).read())
check("for the user's eyes only", stat.S_IMODE(os.stat(history).st_mode) == 0o600)
check("in a folder of his own", stat.S_IMODE(os.stat(os.path.dirname(history)).st_mode) == 0o700)

t = Terminal("chat", "-a", "slow", "--no-history", columns=80, XDG_STATE_HOME=os.path.join(folder, "none"))
t.until("> ")
t.send(" ".join("w%d" % i for i in range(1, 61)) + "\n")
t.until("Slowly: ")  # the answer has begun; it takes another two minutes
t.send("\x03")
text = plain(t.until(r"\(stopped\)"))
check("Ctrl-C stops an answer", "w60" not in text, text)
t.until("> ")
t.send("/quit\n")
text, status = t.end()
check("and the chat goes on", status == 0, text)
check("--no-history keeps nothing", not os.path.exists(os.path.join(folder, "none")))

sys.exit(1 if failed else 0)
