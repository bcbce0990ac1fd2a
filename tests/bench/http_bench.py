#!/usr/bin/python3
"""CPU per request of /manage/healthz beside nginx `return 200`.

Both servers have one event loop, the same body, no access log, and take turns
within one run: machines differ and drift, the ratio of neighbours does not.
CPU is what the kernel accounts to the server's threads (schedstat), so the
load generator does not count.

usage: http_bench.py [--build DIR] [--rounds N] [--seconds N] [--connections N]
Needs wrk and nginx. Prints a table and the ratio of the medians.
"""

import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BODY = '{"status":"ok"}'

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
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
    end = time.monotonic() + 30
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


def start_control_plane(folder, build):
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(folder=folder, plugins=build / "lib/alphaswarm-cp/plugins"))
    config.chmod(0o600)
    process = subprocess.Popen([build / "bin/alphaswarm-cp", "serve", "--config", config], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    line = process.stdout.readline()
    url = re.search(r"http://\S+", line).group(0) + "/manage/healthz"
    wait_for(url)
    return process, process.pid, url


def measure(pid, url, seconds, connections):
    before, split_before = cpu_ns(pid), user_share(pid)
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", url], capture_output=True, text=True,
                         check=True).stdout
    after, split_after = cpu_ns(pid), user_share(pid)
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    assert not bad, f"{url}: {bad.group(0)}"
    user = split_after[0] - split_before[0]
    system = split_after[1] - split_before[1]
    return (after - before) / 1000 / requests, user / max(1, user + system), requests / seconds


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=int, default=3)
    arguments.add_argument("--connections", type=int, default=64)
    arguments.add_argument("--port", type=int, default=18980)
    options = arguments.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="acp-bench-"))
    started = []
    try:
        (folder / "nginx").mkdir()
        (folder / "cp").mkdir()
        nginx = start_nginx(folder / "nginx", options.port)
        started.append(nginx[0])
        plane = start_control_plane(folder / "cp", options.build.resolve())
        started.append(plane[0])
        figures = {"alphaswarm-cp": [], "nginx": []}
        ratios = []
        measure(plane[1], plane[2], 1, options.connections)
        measure(nginx[1], nginx[2], 1, options.connections)
        for _ in range(options.rounds):
            ours = measure(plane[1], plane[2], options.seconds, options.connections)
            theirs = measure(nginx[1], nginx[2], options.seconds, options.connections)
            figures["alphaswarm-cp"].append(ours)
            figures["nginx"].append(theirs)
            ratios.append(ours[0] / theirs[0])
        print(f"{'server':<16}{'us CPU/request':>16}{'of it user':>12}{'requests/s':>12}")
        for name, rows in figures.items():
            print(f"{name:<16}{statistics.median(r[0] for r in rows):>16.3f}"
                  f"{statistics.median(r[1] for r in rows):>12.0%}{statistics.median(r[2] for r in rows):>12.0f}")
        print(f"ratio, median of {len(ratios)} neighbouring pairs: {statistics.median(ratios):.3f} "
              f"(min {min(ratios):.3f}, max {max(ratios):.3f})")
        rss = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{plane[1]}/status").read_text()).group(1)
        print(f"resident memory of alphaswarm-cp: {int(rss) / 1024:.1f} MiB")
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
