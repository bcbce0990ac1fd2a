"""What is installed, and what is built against it."""

import json
import pathlib
import re
import subprocess

from server import BUILD

ROOT = pathlib.Path(__file__).parents[2]


def names(path, *options):
    text = subprocess.run(["nm", "-D", *options, path], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in text.splitlines()]


def test_installed_files(prefix):
    files = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    assert "bin/alphaswarm-cp" in files
    assert "libexec/alphaswarm-cp/acp-local-supervisor" in files
    assert {"lib/alphaswarm-cp/plugins/local.so", "lib/alphaswarm-cp/plugins/docker.so"} <= files
    headers = {str(path.relative_to(ROOT / "plugin-api")) for path in (ROOT / "plugin-api/include").rglob("*.h*")}
    assert headers and headers <= files
    assert not [name for name in files if "test" in name]


def test_nothing_installed_names_the_source_tree(prefix):
    for path in prefix.rglob("*.cmake"):
        assert str(ROOT) not in path.read_text(), path


def test_component_of_authors_is_enough(prefix, tmp_path):
    subprocess.run(["cmake", "--install", BUILD, "--component", "plugin-api", "--prefix", tmp_path],
                   capture_output=True, check=True)
    files = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"include", "lib", "share"}
    assert not list(tmp_path.rglob("*.so"))


def test_only_the_entry_is_exported(prefix, template, greeter):
    for path in [template, greeter, *(prefix / "lib/alphaswarm-cp/plugins").glob("*.so")]:
        assert names(path, "--defined-only") == ["acp_plugin_entry_v1"], path


def test_plugins_are_never_unloaded_and_bound_at_load(template, greeter):
    for path in (template, greeter):
        text = subprocess.run(["readelf", "-Wd", path], capture_output=True, text=True, check=True).stdout
        flags = " ".join(re.findall(r"\(FLAGS(?:_1)?\)(.*)", text))
        assert "BIND_NOW" in flags and "NODELETE" in flags, text


def test_template_stays_short():
    assert len((ROOT / "plugin-api/template/memory_provider.cpp").read_text().splitlines()) < 200


def test_template_brings_its_checks(template):
    done = subprocess.run(["ctest", "--test-dir", template.parent, "-V"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "NOT conformant" not in done.stdout and "conformant" in done.stdout
    assert "provider.storm" in done.stdout


def test_all_are_loaded(server, prefix):
    loaded = [json.loads(line) for line in server.stderr().splitlines() if "plugin loaded" in line]
    assert {entry["id"] for entry in loaded} >= {"acp.local", "acp.docker", "acp.bff", "com.example.memory", "test.greeter"}
    assert any(entry["path"] == str(prefix / "lib/alphaswarm-cp/plugins/local.so") for entry in loaded)
