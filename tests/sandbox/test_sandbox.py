"""What a command in the sandbox can see and change, and what is left when one of its processes is killed."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from bottleneck_profiler.sandbox import Box, SandboxError, box, problem, start

WHY = problem()
needs_namespaces = pytest.mark.skipif(bool(WHY), reason=f"no sandbox here: {WHY}")
PATIENCE_SECONDS = 60  # on a busy machine; benchmarks/try_accuracy.py asks for 5


def digest(folder: Path) -> str:
    """Of all names, modes and contents."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        found.update(repr((str(path), status.st_mode, status.st_mtime_ns, data)).encode())
    return found.hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "index").write_bytes(b"index")
    (folder / "train.py").write_text("print('as it is')\n")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.pt").write_bytes(b"weights")
    return folder


def said(command: str, asked: Box, folder: Path) -> tuple[int, str]:
    """(exit code, output) of a line of shell in the sandbox."""
    read, write = os.pipe()
    process = start(["/bin/sh", "-c", command], asked, folder, output=write)
    os.close(write)
    with open(read, "rb") as file:
        output = file.read().decode()
    return process.wait(), output


@needs_namespaces
def test_what_is_written_goes_nowhere(project: Path) -> None:
    before = digest(project.parent)
    command = "echo x > new; rm train.py; echo y > .git/index; echo z > ../checkpoints/last.pt; cat new; ls"
    code, output = said(command, Box((project, project.parent / "checkpoints")), project)
    assert (code, output) == (0, "x\nnew\n")
    assert digest(project.parent) == before


@needs_namespaces
def test_files_are_as_asked_inside_and_as_they_were_outside(project: Path) -> None:
    script = project / "train.py"
    code, output = said("cat train.py", Box((project,), files={script: b"the fix\n"}), project)
    assert (code, output) == (0, "the fix\n")
    assert script.read_text() == "print('as it is')\n"


@needs_namespaces
def test_a_write_protected_file_is_replaced(project: Path) -> None:
    script = project / "train.py"
    script.chmod(0o444)
    assert said("cat train.py", Box((), files={script: b"the fix\n"}), project) == (0, "the fix\n")


@needs_namespaces
def test_everything_else_is_read_only(project: Path) -> None:
    other = Path(os.path.expanduser("~")) / ".bottleneck-test-of-the-sandbox"
    code, output = said(f"touch {other} /usr/{other.name}", Box((project,)), project)
    assert code != 0
    assert output.count("Read-only file system") == 2
    assert not other.exists()


@needs_namespaces
def test_a_large_file_is_read_only(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = project / "data.mdb"
    with open(large, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, box.LARGE_BYTES + 4096)
    before = large.stat().st_mtime_ns
    code, output = said("echo x >> data.mdb; head -c 1 data.mdb | wc -c", Box((project,)), project)
    assert (code, output.strip()[-1]) == (0, "1")
    assert "Read-only file system" in output or "cannot create" in output
    assert large.stat().st_mtime_ns == before


@needs_namespaces
def test_only_loopback_can_be_reached(project: Path) -> None:
    code = """
        import socket
        server = socket.create_server(("127.0.0.1", 0))
        socket.create_connection(server.getsockname()).close()
        print([name for _, name in socket.if_nameindex()])
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=5)
        except OSError as error:
            print(type(error).__name__)
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        text = textwrap.dedent(code).replace("PORT", str(server.getsockname()[1]))
        (project / "client.py").write_text(text)
        assert said(f"{sys.executable} client.py", Box((project,)), project) == (0, "['lo']\nConnectionRefusedError\n")
        (project / "client.py").write_text(text.replace("print(type(error).__name__)", 'print("no")'))
        code_there, output = said(f"{sys.executable} client.py", Box((project,), network=True), project)
    assert (code_there, "no" in output) == (0, False)


@needs_namespaces
def test_it_sees_its_own_processes_only(project: Path) -> None:
    code, output = said("echo /proc/[0-9]*", Box((project,)), project)
    assert code == 0
    assert str(os.getpid()) not in output.split("/")


@needs_namespaces
def test_the_exit_code_is_the_commands(project: Path) -> None:
    assert said("exit 7", Box((project,)), project)[0] == 7
    assert said("kill -9 $$", Box((project,)), project)[0] == 128 + signal.SIGKILL


@needs_namespaces
def test_what_cannot_be_started_is_one_line(project: Path) -> None:
    with pytest.raises(SandboxError, match="no-such-program"):
        start(["/no-such-program"], Box((project,)), project)
    with pytest.raises(SandboxError, match="gone"):
        start(["/bin/true"], Box((project,)), project / "gone")


DRIVER = """
import sys, time
from pathlib import Path
from bottleneck_profiler.sandbox import Box, start
project = Path(sys.argv[1])
command = "echo x > a; (sleep 1000; true) & setsid sleep 1000 & mkdir b; echo y > ../checkpoints/last.pt; wait"
process = start(["/bin/sh", "-c", command], Box((project, project.parent / "checkpoints")), project)
print("started", flush=True)
process.wait()
"""


def tree(process: psutil.Process, count: int) -> list[psutil.Process]:
    """A process and its descendants, once there are as many."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = [process, *process.children(recursive=True)]
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError("the processes did not start")


@needs_namespaces
@pytest.mark.parametrize("which", range(5), ids=["ours", "launcher", "second", "first of the namespace", "command"])
def test_nothing_is_left_when_one_process_is_killed(project: Path, which: int) -> None:
    before, mounts = digest(project.parent), Path("/proc/self/mountinfo").read_text()
    folders = set(os.listdir("/tmp"))
    with subprocess.Popen([sys.executable, "-c", DRIVER, project], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        processes = tree(psutil.Process(driver.pid), 8)
        processes[which].kill()
        driver.wait(PATIENCE_SECONDS)
    _, alive = psutil.wait_procs(processes, PATIENCE_SECONDS)
    assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
    assert digest(project.parent) == before
    assert Path("/proc/self/mountinfo").read_text() == mounts
    assert not [name for name in set(os.listdir("/tmp")) - folders if "bottleneck" in name]


@pytest.mark.skipif(
    os.path.exists("/usr/bin/unshare") is False or bool(WHY), reason="needs a namespace to forbid it in"
)
def test_where_namespaces_are_forbidden_it_says_so_in_one_line() -> None:
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    code = "from bottleneck_profiler.sandbox import problem; print(problem())"
    command = ["unshare", "--user", "--map-root-user", "/bin/sh", "-c", forbid, "sh", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "this system lets you make no namespaces: No space left on device\n"
