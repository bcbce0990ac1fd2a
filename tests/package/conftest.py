import os
import pathlib
import shutil
import subprocess
import sys
import textwrap

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/blackbox"))

from server import BINARY, BUILD, Server  # noqa: E402


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: build it, or name another build directory with ACP_BUILD", returncode=2)


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    """What an operator and an author get: host, plugins and plugin API."""
    folder = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", folder)
    return folder


def build_outside(prefix, source):
    """Configures and builds with nothing but the package; gives the build folder."""
    build = source / "build"
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("CMAKE", "CXX", "C_", "LD"))}
    run("cmake", "-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={prefix}", env=bare)
    run("cmake", "--build", build, env=bare)
    return build


@pytest.fixture(scope="session")
def template(prefix, tmp_path_factory):
    """The template, built as its README says."""
    source = tmp_path_factory.mktemp("template") / "memory"
    shutil.copytree(ROOT / "plugin-api/template", source)
    return build_outside(prefix, source) / "memory_provider.so"


@pytest.fixture(scope="session")
def greeter(prefix, tmp_path_factory):
    source = tmp_path_factory.mktemp("greeter")
    shutil.copy(ROOT / "tests/fixtures/plugins/greeter_routes.cpp", source)
    (source / "CMakeLists.txt").write_text(textwrap.dedent("""\
        cmake_minimum_required(VERSION 3.25)
        project(greeter LANGUAGES CXX)
        find_package(AlphaswarmCpPluginApi 1.0 REQUIRED)
        acp_add_plugin(greeter_routes SOURCES greeter_routes.cpp)
        """))
    return build_outside(prefix, source) / "greeter_routes.so"


@pytest.fixture(scope="session")
def server(prefix, template, greeter):
    """The installed server with both plugins beside the installed ones."""
    directories = [prefix / "lib/alphaswarm-cp/plugins", template.parent, greeter.parent]
    one = Server(
        binary=prefix / "bin/alphaswarm-cp",
        # Few, so that a stream that is never given back is missed.
        server={"streams": 8},
        plugins={"directories": [str(d) for d in directories]},
        providers=[
            {"alias": "local", "plugin": "acp.local", "config": {"stop_grace_s": 2}},
            {"alias": "memory", "plugin": "com.example.memory"},
        ],
        http_routes=[
            {"alias": "greeter", "plugin": "test.greeter"},
            {"alias": "elsewhere", "plugin": "test.greeter", "mount": "/ext/other/place"},
        ],
    )
    try:
        yield one.start()
    finally:
        one.discard()
