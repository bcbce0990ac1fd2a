"""The Engine over TLS with client certificates: haproxy puts them in front of its socket."""

import shutil
import socket
import subprocess

import pytest

from conftest import SOCKET
from server import PATIENCE, wait_until

HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend engine
    bind 127.0.0.1:{port} ssl crt {folder}/server.both verify required ca-file {folder}/ca.pem
    default_backend engine
backend engine
    server engine unix@{socket}
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def issue(folder, name, alternative):
    """A key and a certificate of the authority in `folder`, both in <name>.both as well."""
    key, request, certificate = folder / f"{name}.key", folder / f"{name}.csr", folder / f"{name}.pem"
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
            "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}")
    openssl("x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
            "-days", "2", "-copy_extensions", "copy", "-out", certificate)
    key.chmod(0o600)
    (folder / f"{name}.both").write_text(certificate.read_text() + key.read_text())


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """Folder of the certificates, and the https address."""
    folder = tmp_path_factory.mktemp("tls")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "ca.key",
            "-out", folder / "ca.pem", "-days", "2", "-subj", "/CN=engine authority")
    issue(folder, "server", "IP:127.0.0.1")
    issue(folder, "client", "DNS:control-plane")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, folder=folder, socket=SOCKET))
    process = subprocess.Popen([shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"])

    def answers():
        assert process.poll() is None, "haproxy ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, "haproxy listens")
        yield folder, f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def settings(folder, **changes):
    files = {"ca_file": str(folder / "ca.pem"), "certificate_file": str(folder / "client.pem"),
             "key_file": str(folder / "client.key"), **changes}
    return {key: value for key, value in files.items() if value}


def test_operations_over_tls(make_server, engine):
    folder, address = engine
    server = make_server(None, endpoint=address, **settings(folder))
    server.ok("POST", "/manage/workloads/secured/start",
              {"image": "acp-test:latest", "command": ["sh", "-c", "echo out; exec sleep 1000"]})
    try:
        wait_until(lambda: server.status("secured")["phase"] == "running", "it runs")
        assert server.exec("secured", "sh", "-c", "cat; exit 3", stdin="in" * 50000)["exit_code"] == 3
        text = wait_until(lambda: server.get("/manage/workloads/secured/logs", headers={"Accept": "text/plain"}).body, "it logs")
        assert text.endswith(b"out\n")
    finally:
        assert server.request("DELETE", "/manage/workloads/secured").status == 200


@pytest.mark.parametrize("changes, why", [
    ({"ca_file": None}, "certificate"), ({"certificate_file": None, "key_file": None}, ""),
])
def test_an_engine_that_is_not_trusted_or_does_not_trust(make_server, engine, changes, why):
    folder, address = engine
    server = make_server(None, endpoint=address, **settings(folder, **changes))
    answer = server.post("/manage/workloads/secured/start", {"image": "acp-test:latest"})
    assert answer.status == 503 and answer.code == "provider_unavailable", answer
    assert why in answer.json["detail"] and address.removeprefix("https://") in answer.json["detail"]
