"""A machine without a network and with next to nothing on it: namespaces around a folder."""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess

from server import PATIENCE, Answer

USER, UID = "alphaswarm-cp", 917
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def output(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


def libraries_of(program):
    return re.findall(r"(/\S+) \(0x", output("ldd", program))


def furnish(root):
    """A root of what every Debian has: glibc, bash, coreutils, tar, openssl."""
    for folder in ("usr/bin", "usr/lib", "usr/lib64", "etc", "proc", "dev", "tmp", "run", "var/lib", "opt", "root"):
        (root / folder).mkdir(parents=True)
    root.chmod(0o755)
    (root / "tmp").chmod(0o1777)
    (root / "run").chmod(0o1777)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    listed = output("dpkg", "-L", "coreutils").split()
    programs = [path for path in listed if re.fullmatch(r"(/usr)?/bin/[^/]+", path)]
    programs += [shutil.which(name) for name in ("bash", "tar", "openssl")]
    glibc = [path for path in output("dpkg", "-L", "libc6").split()
             if re.fullmatch(r"/lib(64)?/([^/]+/)?(lib|ld-)[^/]*\.so(\.\d+)?", path)]
    wanted = set(programs) | set(glibc)
    # Programs of coreutils need few libraries, and one of them needs them all.
    for program in ("ls", "cp", "tar", "openssl", "bash", "sort", "stat"):
        wanted |= set(libraries_of(shutil.which(program)))
    for path in wanted:
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(os.path.realpath(path), target)
    (root / "usr/bin/sh").symlink_to("bash")
    (root / "etc/passwd").write_text(f"root:x:0:0::/root:/bin/bash\n{USER}:x:{UID}:{UID}::/:/bin/false\n")
    (root / "etc/group").write_text(f"root:x:0:\n{USER}:x:{UID}:\n")


HOLD = """
mount -t proc proc "$1/proc"
for device in null zero urandom; do : >"$1/dev/$device"; mount --bind "/dev/$device" "$1/dev/$device"; done
mkdir "$1/mnt"; mount -t tmpfs -o ro tmpfs "$1/mnt"
ip link set lo up
echo ready
exec cat
"""


class Cell:
    """Lives as long as `holder`; with it everything inside ends."""

    def __init__(self, root):
        self.root = root
        furnish(root)
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", HOLD, "sh", str(root)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise OSError(self.holder.stderr.read())
        children = pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text()
        self.pid = int(children)
        self.server = None
        self.auth = {}

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(timeout=PATIENCE)

    def argv(self, *command, uid=0):
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-p", "--", "chroot", f"--userspec={uid}:{uid}",
                str(self.root), "/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "HOME=/", *map(str, command)]

    def run(self, *command, uid=0):
        return subprocess.run(self.argv(*command, uid=uid), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE)

    def ok(self, *command, uid=0):
        done = self.run(*command, uid=uid)
        assert done.returncode == 0, done
        return done.stdout

    def bash(self, script, uid=0):
        return self.ok("bash", "-c", script, uid=uid)

    # The server inside.

    def serve(self, program, config, uid=UID, env=()):
        log = self.root / "tmp/server.log"
        script = 'echo $$ >/run/server.pid; exec "$@"'
        with open(log, "wb") as err:
            self.server = subprocess.Popen(
                self.argv("env", *env, "bash", "-c", script, "bash", program, "serve", "--config", config, uid=uid),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True)
        line = self.server.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), log.read_text()
        self.port = int(line.split()[2].rsplit(":", 1)[1])

    def stop(self):
        self.bash("kill $(</run/server.pid)")
        assert self.server.wait(timeout=PATIENCE) == 0, (self.root / "tmp/server.log").read_text()
        self.server.stdout.close()
        self.server = None

    @contextlib.contextmanager
    def inside(self):
        """This thread is in the network of the cell."""
        with open("/proc/thread-self/ns/net") as home, open(f"/proc/{self.pid}/ns/net") as cell:
            assert LIBC.setns(cell.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            try:
                yield
            finally:
                assert LIBC.setns(home.fileno(), CLONE_NEWNET) == 0

    def request(self, method, path, body=None):
        with self.inside():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            try:
                connection.request(method, path, body and json.dumps(body),
                                   {**self.auth, **({"Content-Type": "application/json"} if body else {})})
                response = connection.getresponse()
                return Answer(response.status, response.headers, response.read())
            finally:
                connection.close()

    def get(self, path):
        answer = self.request("GET", path)
        assert answer.status == 200, answer
        return answer.json
