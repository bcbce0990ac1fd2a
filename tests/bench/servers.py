"""The servers that are measured: the control plane and its neighbours, one event loop each."""

import pathlib
import re
import shutil
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
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
        location / {{ default_type application/json; return 200 '{body}'; }}
    }}
}}
"""

CONFIG = """
data_dir: {folder}/data
server: {{listen: "127.0.0.1:0", loops: 1, limits: {{connections: 10000}}}}
log: {{level: warn}}
plugins: {{directories: ["{plugins}"]}}
providers: [{{alias: local, plugin: acp.local}}]
workloads: {{default_provider: local}}
"""


def cpu_ns(pid):
    """Nanoseconds that all threads of a process have run."""
    total = 0
    for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        total += int(stat.read_text().split()[0])
    return total


def user_share(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]), int(fields[12])


def wait_for(url):
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return answer.read()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def start_nginx(folder, port):
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, body=BODY))
    process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", config, "-p", folder],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    wait_for(url)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return process, int(children[0]), url


def start_control_plane(folder, build, wrapper=()):
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(folder=folder, plugins=build / "lib/alphaswarm-cp/plugins"))
    config.chmod(0o600)
    process = subprocess.Popen([*wrapper, build / "bin/alphaswarm-cp", "serve", "--config", config], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    line = process.stdout.readline()
    url = re.search(r"http://\S+", line).group(0) + "/manage/healthz"
    wait_for(url)
    return process, process.pid, url
