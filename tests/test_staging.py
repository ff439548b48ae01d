"""Files are replaced all or none; what killed runs left is swept, what living ones hold is not; sockets have short paths."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from adage_repro import build, folders, notebooks, parameters, staging, workers
from adage_repro.__main__ import main
from adage_repro.folders import ROOT
from adage_repro.staging import own_folder, staged

ALONE = ROOT / "adage_repro"  # where Python finds staging.py by itself, without all that the library imports


def test_after_an_error_what_was_replaced_is_put_back(tmp_path, monkeypatch):
    out = tmp_path / "out"

    def write_both(to):
        with staged(to) as folder:
            (folder / "a.csv").write_text("new")
            (folder / "b.csv").write_text("new")

    def full(source, target, replace=os.replace):
        if target.name == "b.csv" and source.parent.name == "new":
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            write_both(out / "within")
        assert list(tmp_path.iterdir()) == []
        out.mkdir()
        (out / "a.csv").write_text("old")
        with pytest.raises(OSError, match="No space"):
            write_both(out)
    assert {file.name: file.read_text() for file in out.iterdir()} == {"a.csv": "old"}

    (out / "b.csv").mkdir()
    with pytest.raises(IsADirectoryError, match=r"b\.csv is a folder"):
        write_both(out)
    assert (out / "a.csv").read_text() == "old" and len(list(out.iterdir())) == 2
    (out / "b.csv").rmdir()
    write_both(out)
    assert {file.name: file.read_text() for file in out.iterdir()} == {"a.csv": "new", "b.csv": "new"}


@pytest.mark.parametrize("moved", range(4))
def test_what_a_killed_process_had_begun_to_replace_is_finished_by_the_next(tmp_path, moved):
    """It is killed (-9) after it has moved so many of its three files. The next one writes another file, and finds them all."""
    out = tmp_path / "new" / "out"
    code = (
        "import os, pathlib, signal, staging\n"
        "replace, left = os.replace, [None] * MOVED\n"
        "def die(*given):\n    left.pop() if left else os.kill(os.getpid(), signal.SIGKILL)\n    replace(*given)\n"
        "os.replace = die\n"
        "with staging.staged(pathlib.Path(OUT)) as folder:\n"
        "    for name in 'abc':\n        (folder / name).write_text('new')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    if moved:
        out.mkdir(parents=True)
        for name in "ab":
            (out / name).write_text("old")
    done = subprocess.run([sys.executable, "-c", code.replace("MOVED", str(moved)).replace("OUT", repr(str(out)))], cwd=ALONE)
    assert done.returncode == -signal.SIGKILL
    found = {file.name: file.read_text() for file in out.iterdir() if file.is_file()}
    assert found == ({"a": "old", "b": "old"} if moved else {}) | dict.fromkeys("abc"[:moved], "new")
    with staged(out) as folder:
        (folder / "d").touch()
    assert {file.name: file.read_text() for file in out.iterdir()} == dict.fromkeys("abc", "new") | {"d": ""}


def test_folders_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path):
    code = (
        "import pathlib, time\nfrom staging import own_folder\n"
        f"with own_folder(pathlib.Path({str(tmp_path)!r}), 'mine-') as folder:\n"
        "    (folder / 'file').touch()\n    print(folder.name, flush=True)\n    time.sleep(60)\n"
    )
    with ExitStack() as children:
        killed, living = (children.enter_context(subprocess.Popen([sys.executable, "-c", code], cwd=ALONE, stdout=-1)) for _ in range(2))
        of_killed, of_living = (child.stdout.readline().decode().strip() for child in (killed, living))
        killed.kill()
        killed.wait()
        (tmp_path / "mine").mkdir()  # of another prefix
        assert {file.name for file in tmp_path.iterdir()} == {of_killed, of_living, "mine"}
        with own_folder(tmp_path, "mine-") as own, own_folder(tmp_path, "mine-") as second:
            assert {file.name for file in tmp_path.iterdir()} == {own.name, second.name, of_living, "mine"}
        assert (tmp_path / of_living / "file").exists()
        living.kill()


def test_a_socket_fits_even_where_the_temporary_folder_has_a_long_path(tmp_path):
    place = tmp_path / ("x" * 150)
    place.mkdir()
    code = (
        "from pathlib import Path\nfrom socket import AF_UNIX, socket as unix\nfrom staging import socket\n"
        "paths = [f'{socket()}-{port}' for port in (1, 2)]\nfor path in paths:\n    unix(AF_UNIX).bind(path)\nprint(Path(path).parent)\n"
    )
    given = os.environ | {"TMPDIR": str(place)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ALONE, env=given, capture_output=True, text=True, check=True)
    left = done.stdout.strip()
    assert "/adage_repro-" in left and not os.path.exists(left) and list(place.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path, capsys, monkeypatch):
    (tmp_path / ".cache").touch()  # where a folder should be
    for room in (build, folders):
        monkeypatch.setattr(room, "STAMPS", tmp_path / ".cache" / "figures")
    monkeypatch.setattr(notebooks, "execute", lambda *_, **__: None)
    monkeypatch.setenv(folders.JAX_CACHE, str(tmp_path / ".cache" / "jax"))
    told = []  # in place of JAX itself, which would do without its cache in all tests that follow
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(config=SimpleNamespace(update=lambda *given: told.append(given))))
    folders.check_cache()
    build._make("fig06")
    said = capsys.readouterr()
    assert told == [("jax_compilation_cache_dir", None)]
    assert said.out == "" and said.err.startswith("warning: ") and said.err.count("\n") == 1 and folders.JAX_CACHE not in os.environ
    for room in (build, folders):
        monkeypatch.setattr(room, "STAMPS", tmp_path / "figures")
    folders.check_cache()
    build._make("fig06")
    assert capsys.readouterr().err == "" and (tmp_path / "figures" / "fig06").exists()


def test_a_device_that_is_not_there_is_refused_in_one_line(capsys, monkeypatch):
    given = os.environ | {"JAX_PLATFORMS": "abacus"}
    line = "JAX_PLATFORMS must name devices that JAX finds here, such as cpu, got 'abacus'\n"
    done = subprocess.run([sys.executable, "-m", "adage_repro", "figure", "6", "", ""], cwd=ROOT, env=given, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)
    monkeypatch.setenv("JAX_PLATFORMS", "abacus")
    monkeypatch.setattr(parameters.jax, "devices", lambda: 1 / 0)
    assert not workers.side_by_side(print, ["nothing"]) and capsys.readouterr() == ("", line)
    with pytest.raises(ValueError, match=r"^JAX_PLATFORMS must"):
        parameters.check_all({"n_agents": 10})


def test_every_kernel_has_sockets_of_its_own():
    assert len({staging.socket() for _ in range(3)}) == 3


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can mount a file system")
def test_a_full_disk_leaves_old_files_whole(tmp_path):
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(tmp_path)], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no file system can be mounted here: {mount.stderr.strip()}")
    try:
        for size in (50, 230, 60):  # kB: the second does not fit beside the first, which stays until the other is whole
            with ExitStack() as full:
                if size == 230:
                    full.enter_context(pytest.raises(OSError, match="No space left on device"))
                folder = full.enter_context(staged(tmp_path))
                (folder / "a").write_bytes(bytes(size * 1000))
            assert [(file.name, file.stat().st_size) for file in tmp_path.iterdir()] == [("a", 1000 * (50 if size == 230 else size))]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_figures_that_cannot_be_written_are_refused_before_anything_runs(tmp_path, capsys, monkeypatch):
    def read_only(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(build, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(staging.tempfile, "mkdtemp", read_only)
    monkeypatch.setattr(notebooks, "execute", None)
    line = f"{tmp_path / 'figures'} must be a folder that can be written, but it is not (Read-only file system)\n"
    for command in (("figures",), ("claims", "", "")):
        assert main(*command) == 2 and capsys.readouterr() == ("", line)
