# What zsh makes of a line when Tab is pressed: tab.py FOLDER-OF-COMPLETIONS TYPED WANTED [TYPED WANTED]...
import os
import pty
import select
import sys
import time

folder, rows = sys.argv[1], sys.argv[2:]
values = {k: os.environ[k] for k in ("HOME", "PATH")}
pid, fd = pty.fork()
if pid == 0:
    os.execvpe("zsh", ["zsh", "-f"], {**values, "TERM": "dumb", "LC_ALL": "C.UTF-8"})


def until(wanted, seconds=200):
    deadline, seen = time.monotonic() + seconds, ""
    while wanted not in seen:
        if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise SystemExit("timed out waiting for %r; so far: %r" % (wanted, seen))
        seen += os.read(fd, 65536).decode("utf-8", "replace")


# The answers are put together by the shell, so that what it echoes is not taken for them.
os.write(fd, b"unsetopt zle_bracketed_paste; PS1=; fpath=(%s $fpath); autoload -Uz compinit\n" % folder.encode())
os.write(fd, b"compinit -u -D; echo re''ady\n")
until("ready")
for typed, wanted in zip(rows[::2], rows[1::2]):
    os.write(fd, typed.encode() + b"\t")
    until(wanted)
    os.write(fd, b"\x15")
    print("ok: zsh completes '%s'" % typed)
os.write(fd, b"exit\n")
os.close(fd)
os.waitpid(pid, 0)
