"""Where an address comes from: names, several addresses, Unix sockets."""

import contextlib
import shutil
import socket
import subprocess

import pytest

from fetching import fetch, finished, free_port, start
from h2_peer import H2Server, served
from scripted import Scripted, answers, response

UNSHARE = ["unshare", "--map-root-user", "--mount"]


@pytest.fixture(scope="session")
def with_hosts(folder):
    """Runs fetch where /etc/hosts is another: in a mount namespace of its own."""
    if not shutil.which("unshare") or subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespaces here")

    def run(lines, url, **options):
        hosts = folder / "hosts"
        hosts.write_text("127.0.0.1 localhost\n" + "".join(line + "\n" for line in lines))
        wrapper = [*UNSHARE, "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"]
        return finished(start(url, wrapper=wrapper, **options))
    return run


def test_unknown_name():
    """RFC 6761 section 6.4: `invalid` has no addresses."""
    result = fetch("http://no-such-name.invalid/")
    assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_unreachable"), result
    assert "no-such-name.invalid" in result.one["message"] and result.one["retryable"]


def test_localhost():
    """Whatever it means here: the server is at one of its addresses."""
    with Scripted(answers) as server:
        result = fetch(f"http://localhost:{server.port}/")
    assert result.bodies == ["ok"], result
    assert server.requests[0][1].fields["host"] == f"localhost:{server.port}"


@pytest.mark.parametrize("addresses", [("127.0.0.2", "127.0.0.3", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"),
                                       ("127.0.0.2", "127.0.0.1"), ("::1", "127.0.0.1"), ("127.0.0.1", "::1")],
                         ids=lambda addresses: " ".join(addresses))
def test_several_addresses(addresses, with_hosts):
    """All but one refuse; in whatever order they are tried, that one is found."""
    with Scripted(answers) as server:
        result = with_hosts([f"{address} several.test" for address in addresses], f"http://several.test:{server.port}/",
                            repeat=3)
    assert result.bodies == ["ok"] * 3 and result.connections == 1, result


def test_all_addresses_refuse(with_hosts):
    result = with_hosts(["127.0.0.2 several.test", "127.0.0.3 several.test"], f"http://several.test:{free_port()}/")
    assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_unreachable"), result
    assert "refused" in result.one["message"]


def test_ipv6():
    """RFC 3986 section 3.2.2: an address in brackets."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(Scripted(answers, host="::1"))
        except OSError:
            pytest.skip("no IPv6 here")
        result = fetch(f"http://[::1]:{server.port}/")
    assert result.bodies == ["ok"], result
    assert server.requests[0][1].fields["host"] == f"[::1]:{server.port}"


def test_refused():
    port = free_port()
    result = fetch(f"http://127.0.0.1:{port}/")
    error = result.one
    assert (error.get("error"), error.get("slug")) == ("unavailable", "upstream_unreachable"), error
    assert error["retryable"]
    assert f"127.0.0.1:{port}" in error["message"] and "refused" in error["message"]


def unix_listener(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    return listener


class TestUnixSocket:
    @pytest.mark.parametrize("server, versions", [(Scripted, "http1"), (H2Server, "http2")])
    def test_requests(self, server, versions, tmp_path):
        """Keep-alive is the same there."""
        script = answers if server is Scripted else served
        with server(script, listener=unix_listener(tmp_path / "a.sock")) as one:
            result = fetch(f"unix://{tmp_path}/a.sock:/path?a=b", repeat=3, versions=versions)
            assert result.bodies == ["ok"] * 3 and result.connections == 1, result
            first = one.requests[0][1]
        if server is Scripted:
            assert first.target == "/path?a=b" and first.fields["host"] == "localhost"
        else:
            assert (":path", "/path?a=b") in first.fields and (":authority", "localhost") in first.fields

    def test_large_bodies(self, tmp_path):
        def script(peer):
            body = peer.request().body
            peer.send(response(body))
            peer.hold()
        with Scripted(script, listener=unix_listener(tmp_path / "a.sock")):
            result = fetch(f"unix://{tmp_path}/a.sock:/", method="POST", body_size=3 << 20)
        assert result.one["bytes"] == 3 << 20, result

    def test_nobody_there(self, tmp_path):
        unix_listener(tmp_path / "a.sock").close()
        for name in ("a.sock", "b.sock"):
            result = fetch(f"unix://{tmp_path}/{name}:/")
            assert (result.one.get("error"), result.one.get("slug")) == ("unavailable", "upstream_unreachable"), result
            assert name in result.one["message"]
