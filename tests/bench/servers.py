"""The servers that are measured: the control plane and its neighbours, one event loop each."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

BODY = '{"status":"ok"}'

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} reuseport;
        {location}
    }}
}}
"""

RETURN = "location / {{ default_type application/json; return 200 '{body}'; }}"

# The same over HTTP/2 (plain and TLS) and TLS with HTTP/1.1.
NGINX_SERVERS = {
    "h2c": "listen 127.0.0.1:{port} http2 reuseport;",
    "h2": "listen 127.0.0.1:{port} ssl http2 reuseport; ssl_certificate {cert}; ssl_certificate_key {key};"
          " ssl_protocols TLSv1.3;",
    "tls": "listen 127.0.0.1:{port} ssl reuseport; ssl_certificate {cert}; ssl_certificate_key {key};"
           " ssl_protocols TLSv1.3;",
}

HAPROXY = """
global
    nbthread 1
    maxconn 4000
defaults
    mode http
    timeout client 60s
    timeout connect 5s
    timeout server 60s
frontend bench
    bind 127.0.0.1:{port} {bind}
    {rule}
"""
HAPROXY_RETURN = "http-request return status 200 content-type application/json string '{body}'"
HAPROXY_BINDS = {
    "h1": "",
    "h2c": "proto h2",
    "h2": "ssl crt {folder}/both.pem alpn h2 ssl-min-ver TLSv1.3",
    "tls": "ssl crt {folder}/both.pem alpn http/1.1 ssl-min-ver TLSv1.3",
}

CONFIG = """
data_dir: {folder}/data
server: {{listen: "127.0.0.1:0", loops: 1, {server}limits: {{connections: 10000}}}}
log: {{level: warn}}
plugins: {{directories: ["{plugins}"]}}
providers: [{{alias: local, plugin: acp.local}}]
workloads: {{default_provider: local}}
"""


def make_certificate(folder):
    """A certificate for localhost that all servers of a run share."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    key.chmod(0o600)
    (folder / "both.pem").write_text(cert.read_text() + key.read_text())
    return cert, key


def start_haproxy(folder, port, protocol, rule=HAPROXY_RETURN.format(body=BODY)):
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, rule=rule, bind=HAPROXY_BINDS[protocol].format(folder=folder)))
    with neighbour("haproxy", port, "-db", "-f", config) as process:
        return process, process.pid, url_of(port, protocol)


def url_of(port, protocol):
    return f"{'https' if protocol in ('h2', 'tls') else 'http'}://127.0.0.1:{port}/"


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def wait_until(condition, what):
    """The first true value of `condition()`."""
    end = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < end, f"{what}: not within 30 s"
        time.sleep(0.05)
    return value


@contextlib.contextmanager
def ended_on_failure(process):
    """Ends the process when the block fails: the caller then has no server that it could end."""
    try:
        yield process
    except BaseException:
        process.terminate()
        process.wait()
        raise


@contextlib.contextmanager
def neighbour(name, port, *options):
    """Its process, once it listens. Nobody may listen there before: two servers could share a port and its load."""
    assert not listens(port), f"port {port} is taken"
    command = [shutil.which(name) or f"/usr/sbin/{name}", *options]
    with ended_on_failure(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)) as process:
        wait_until(lambda: listens(port), f"{name} listens")
        yield process


def start_nginx(folder, port, protocol="h1", location=RETURN.format(body=BODY)):
    config = folder / "nginx.conf"
    text = NGINX.format(folder=folder, port=port, location=location)
    if protocol != "h1":
        listen = NGINX_SERVERS[protocol].format(port=port, cert=folder / "cert.pem", key=folder / "key.pem")
        text = text.replace(f"listen 127.0.0.1:{port} reuseport;", listen)
    config.write_text(text)
    with neighbour("nginx", port, "-c", config, "-p", folder) as process:
        # The first process listens before it has a worker.
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        worker = wait_until(lambda: children.read_text().split(), "nginx has a worker")[0]
        return process, int(worker), url_of(port, protocol)


def start_control_plane(folder, build, wrapper=(), protocol="h1", more=""):
    """`more` is configuration beside CONFIG."""
    config = folder / "config.yaml"
    tls = f"tls: {{certificates: [{{certificate: {folder}/cert.pem, key: {folder}/key.pem}}]}}, "
    config.write_text(CONFIG.format(folder=folder, plugins=build / "lib/alphaswarm-cp/plugins",
                                    server=tls if protocol in ("h2", "tls") else "") + more)
    config.chmod(0o600)
    process = subprocess.Popen([*wrapper, build / "bin/alphaswarm-cp", "serve", "--config", config],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with ended_on_failure(process):
        address = re.search(r"https?://\S+", process.stdout.readline())
        assert address, "alphaswarm-cp did not start"
        return process, process.pid, address.group(0) + "/manage/healthz"


class Api:
    """The control plane's interface, as the administrator whose token it mints."""

    def __init__(self, folder, build, url):
        self.base = url.removesuffix("/manage/healthz")
        minted = subprocess.run([build / "bin/alphaswarm-cp", "token", "mint", "--config", folder / "config.yaml",
                                 "--scope", "admin:cluster", "--sub", "bench", "--ttl", "86400"],
                                stdout=subprocess.PIPE, text=True, check=True)
        self.authorization = f"Authorization: Bearer {minted.stdout.strip()}"

    def call(self, method, path, body=None, accept="application/json"):
        """The body of an answer that must be 200."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.base).netloc, timeout=60)
        with contextlib.closing(connection):
            name, value = self.authorization.split(": ")
            connection.request(method, path, body and json.dumps(body),
                               {name: value, "Accept": accept, "Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        assert response.status == 200, f"{method} {path}: {response.status} {answer[:500]}"
        return answer

    @contextlib.contextmanager
    def workload(self, name, command):
        """A workload of provider `local` that ends with the block: its supervisor would outlive the server."""
        path = f"/manage/workloads/{name}"
        replicas = json.loads(self.call("POST", f"{path}/start", {"command": command}))["result"]["raw"]["replicas"]
        try:
            yield path
        finally:
            try:
                self.call("DELETE", path)
            except (OSError, http.client.HTTPException, AssertionError):
                for replica in replicas:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(replica["supervisor_pid"], signal.SIGKILL)
                raise
