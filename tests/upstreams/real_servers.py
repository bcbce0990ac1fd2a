"""Servers of others, each on free ports of its own, and what they serve."""

import contextlib
import functools
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

from fetching import free_port, listen
from server import PATIENCE

HERE = pathlib.Path(__file__).parent

NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests {requests};
    keepalive_timeout {keepalive};
    client_max_body_size 16m;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{tls} ssl;
        listen 127.0.0.1:{h2} ssl http2;
        listen 127.0.0.1:{h2c} http2;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location /ok {{ return 200 "ok"; }}
        location /files/ {{ root {root}; }}
        location / {{ proxy_pass http://127.0.0.1:{backend}; proxy_request_buffering off; proxy_buffering off;
                      proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""

HAPROXY = """
global
    nbthread 1
defaults
    mode http
    timeout client 60s
    timeout connect 5s
    timeout server 60s
frontend all
    bind 127.0.0.1:{http}
    bind 127.0.0.1:{tls} ssl crt {folder}/both.pem alpn http/1.1
    bind 127.0.0.1:{h2} ssl crt {folder}/both.pem alpn h2,http/1.1
    bind 127.0.0.1:{h2c} proto h2
    http-request return status 200 content-type text/plain string ok if {{ path /ok }}
    default_backend node
backend node
    server node 127.0.0.1:{backend}
"""

KINDS = ("http", "tls", "h2", "h2c")


@functools.cache
def body_of(size):
    return bytes((i * 31 + (i >> 8)) & 0xff for i in range(size))


class Ports:
    """URLs of a server by what is spoken there, and what `fetch` has to be told for it."""

    def __init__(self, authority, process=None):
        self.authority, self.process = authority, process
        self.ports = {kind: free_port() for kind in KINDS}

    def url(self, kind, path="/"):
        return f"{'http' if kind in ('http', 'h2c') else 'https'}://127.0.0.1:{self.ports[kind]}{path}"

    def options(self, kind):
        return {"ca": self.authority.certificate, "versions": "http2" if kind.startswith("h2") else "http1"}


@contextlib.contextmanager
def running(arguments, ports, stdout=subprocess.DEVNULL):
    """Ends with the block; by its process id alone."""
    process = subprocess.Popen(list(map(str, arguments)), stdin=subprocess.DEVNULL, stdout=stdout,
                               stderr=subprocess.DEVNULL, text=True)
    ports.process = process
    try:
        for port in ports.ports.values():
            wait_for(port, process)
        yield ports
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def wait_for(port, process):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < end, f"nobody listens on {port}"
            time.sleep(0.02)


def program(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


def node(authority, pair):
    ports = Ports(authority)
    script = HERE / "node_upstream.js"
    return running([program("node"), script, pair.certificate, pair.key, *ports.ports.values()], ports)


def nginx(folder, authority, pair, backend=1, keepalive="75s", requests=1_000_000):
    folder.mkdir()
    ports = Ports(authority)
    files = folder / "files"
    files.mkdir()
    for size in (0, 1, 16383, 65536, 5 << 20):
        (files / str(size)).write_bytes(body_of(size))
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # whose the folder is
    config.write_text(NGINX.format(user=user, folder=folder, root=folder, certificate=pair.certificate, key=pair.key,
                                   backend=backend, keepalive=keepalive, requests=requests, **ports.ports))
    return running([program("nginx"), "-c", config, "-p", folder], ports)


def haproxy(folder, authority, pair, backend):
    folder.mkdir()
    ports = Ports(authority)
    (folder / "both.pem").write_text(pair.certificate.read_text() + pair.key.read_text())
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(folder=folder, backend=backend, **ports.ports))
    return running([program("haproxy"), "-db", "-f", config], ports)


class PythonHandler(http.server.BaseHTTPRequestHandler):
    """HTTP/1.0, where the end of the connection is that of the body."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body_of(int(self.path.split("/")[-1])))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def python_server():
    listener = listen()
    server = http.server.ThreadingHTTPServer(listener.getsockname(), PythonHandler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
