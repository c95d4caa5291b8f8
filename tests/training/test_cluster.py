"""A study on a real Dask cluster: a scheduler and two workers, processes on loopback."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from distributed import Client

from lenet1998.data.mnist import MNIST_SHA256
from lenet1998.errors import BadInput
from lenet1998.recipes import recipe_named
from lenet1998.reproduce.__main__ import main
from lenet1998.training import study
from lenet1998.training.cluster import CONNECT_SECONDS
from lenet1998.training.records import RECORD, RunRecord, read_record
from lenet1998.training.study import Bars, Cell, Setting

SETTING = Setting(dataset="digits", engine="eager")
RECIPE = recipe_named("original").override(["train_size=120", "passes=2"])
"""Half a second of eager training."""
SMALL = ["--dataset", "digits", "--engine", "eager", "--passes", "1", "--train-size", "40"]

with_processes = pytest.mark.slow
"""Of a scheduler and workers: each imports torch and Dask for itself."""


def wait_for(condition: Callable, what: str, seconds: float = 30):
    """The condition's first true value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


class Cluster:
    """A scheduler and its workers: processes on loopback that end with this block.

    Their time limits are for when this process is killed and cannot end them.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    def start_scheduler(self) -> None:
        self._start("scheduler", "--port", "0", "--idle-timeout", "120 s")
        self.address = wait_for(self._address, "the scheduler")

    def _address(self) -> str | None:
        """The scheduler's, once its file is whole: Dask opens that before it writes into it."""
        try:
            return json.loads(self.file.read_text())["address"]
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def start_worker(self) -> None:
        one_process = ["--nworkers", "1", "--nthreads", "1", "--no-nanny", "--death-timeout", "30"]
        self._start("worker", *one_process, "--local-directory", str(self.folder))

    def _start(self, role: str, *flags: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.dask_{role}", *flags]
        command += ["--scheduler-file", str(self.file), "--host", "127.0.0.1", "--no-dashboard"]
        environment = {**os.environ, "LENET1998_DATA": str(self.folder), "OMP_NUM_THREADS": "1"}
        log = self.folder / f"{role}-{len(self.processes)}.log"
        with log.open("w") as output:
            self.processes.append(
                subprocess.Popen(command, stdout=output, stderr=output, env=environment)
            )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler and two workers, whose MNIST is damaged."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        damaged = cluster.folder / "MNIST" / "raw" / next(iter(MNIST_SHA256))
        damaged.parent.mkdir(parents=True)
        damaged.write_bytes(b"damaged")
        cluster.start_scheduler()
        cluster.start_worker()
        cluster.start_worker()
        with Client(cluster.address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=30)
        yield cluster


@pytest.fixture
def client(cluster):
    """Another client of the scheduler, to see what goes on there."""
    with Client(cluster.address, set_as_default=False) as client:
        yield client


@pytest.fixture(autouse=True)
def fresh_data():
    study.load_once.cache_clear()
    yield
    study.load_once.cache_clear()


def training(client: Client) -> list[str]:
    """The workers that are in the middle of a cell."""
    stacks = client.call_stack(keys=None).items()
    return [worker for worker, tasks in stacks if "training/run.py" in str(tasks)]


def essence(record: RunRecord) -> dict:
    """What two runs of a cell must agree on: all but the time they took and the machine."""
    entries = [{k: v for k, v in entry.items() if k != "seconds"} for entry in record.per_pass]
    return {"recipe": record.recipe, "seed": record.seed, "dataset": record.dataset} | {
        "status": record.status,
        "per_pass": entries,
        "layers": record.layers,
    }


def one_line(capsys) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@with_processes
def test_a_study_survives_the_death_of_a_worker_in_the_middle_of_a_cell(cluster, client, tmp_path):
    cells = [Cell(RECIPE, seed, tmp_path / f"seed-{seed}") for seed in range(6)]
    pids = client.run(os.getpid)
    assert len(pids) == 2
    records = study.run(cells, SETTING, scheduler=cluster.address)
    arrived = [next(records)]
    victim = wait_for(lambda: training(client), "a worker to be training")[0]
    next(p for p in cluster.processes if p.pid == pids[victim]).kill()
    arrived += records
    assert list(client.nthreads()) == [worker for worker in pids if worker != victim]

    assert sorted(cell.seed for cell, _ in arrived) == list(range(6))
    assert len(list(tmp_path.rglob(RECORD))) == 6
    local = [Cell(RECIPE, cell.seed, tmp_path / "local" / cell.folder.name) for cell in cells]
    expected = {cell.seed: record for cell, record in study.run_here(local, SETTING, 1, Bars())}
    for cell, record in arrived:
        assert essence(record) == essence(expected[cell.seed])
        assert essence(read_record(cell.folder)) == essence(record)
        assert np.array_equal(record.predictions, expected[cell.seed].predictions)
        for name, weights in expected[cell.seed].weights.items():
            assert np.array_equal(record.weights[name], weights), name


@with_processes
def test_a_study_started_again_runs_only_what_is_not_done(cluster, tmp_path, capsys):
    command = [*SMALL, "--scheduler", cluster.address, "--out", str(tmp_path), "--resume"]
    assert main([*command, "--seeds", "0-1"]) == 0
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob(RECORD)}
    assert len(before) == 2
    assert main([*command, "--seeds", "0-2"]) == 0
    assert before.items() < {f: f.stat().st_mtime_ns for f in tmp_path.rglob(RECORD)}.items()
    assert json.loads((tmp_path / "summary.json").read_text())["seeds"] == [0, 1, 2]
    assert capsys.readouterr().err == ""


@with_processes
def test_an_interrupt_cancels_what_waits_and_says_how_to_resume(
    cluster, client, tmp_path, capsys, monkeypatch
):
    def interrupted(_):
        wait_for(lambda: training(client), "a worker to be training")
        wait_for(lambda: sum(map(len, client.processing().values())) > 1, "another to wait")
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "as_completed", interrupted)
    flags = ["--train-size", "300", "--seeds", "0-7", "--scheduler", cluster.address]
    assert main([*SMALL, *flags, "--out", str(tmp_path)]) == 130
    assert f"--resume --out {tmp_path}" in one_line(capsys)
    wait_for(lambda: not any(client.processing().values()), "nothing to be left")
    assert not list(tmp_path.rglob(RECORD))


@with_processes
def test_a_worker_reads_its_own_data_and_its_complaint_is_ours(cluster, tmp_path):
    """Not tried again either: the data would be as bad."""
    cells = [Cell(RECIPE, 0, tmp_path)]
    with pytest.raises(
        BadInput, match=f"{cluster.folder}.* is truncated.*on a worker of {cluster.address}"
    ):
        list(study.run(cells, Setting(dataset="mnist"), scheduler=cluster.address))


@with_processes
def test_a_worker_is_told_which_data_was_found_here(cluster, tmp_path, monkeypatch, digits):
    """Left to itself, this one would find the damaged files, and another no files."""
    monkeypatch.setattr(study, "load", lambda *_: digits)
    cells = [Cell(RECIPE.override(["train_size=40", "passes=1"]), 0, tmp_path)]
    setting = Setting(dataset="auto", engine="eager")
    [(_, record)] = study.run(cells, setting, scheduler=cluster.address)
    assert record.dataset["name"] == "digits"


@with_processes
def test_another_version_on_the_cluster_is_refused(cluster, tmp_path, capsys, monkeypatch):
    def get_versions(client, packages):
        versions = real(client, packages=packages)
        versions["client"]["packages"]["lenet1998"] = "99.0"
        return versions

    real = Client.get_versions
    monkeypatch.setattr(Client, "get_versions", get_versions)
    assert main([*SMALL, "--scheduler", cluster.address, "--out", str(tmp_path)]) == 2
    assert "lenet1998 is 99.0 here but" in one_line(capsys)


@with_processes
def test_a_cell_that_kills_its_workers_and_a_lost_scheduler_are_one_line_each(
    tmp_path, capsys, caplog, monkeypatch
):
    def worker_dies():
        with Client(cluster.address, set_as_default=False) as client:
            cluster.start_worker()
            wait_for(lambda: training(client), "the worker to be training")
            cluster.processes[-1].kill()

    def scheduler_dies():
        cluster.processes[0].kill()

    def check_line_when(event: Callable, says: str):
        def as_completed(futures):
            event()
            return real(futures)

        caplog.clear()
        monkeypatch.setattr(study, "as_completed", as_completed)
        flags = ["--train-size", "600", "--scheduler", cluster.address, "--out", str(tmp_path)]
        assert main([*SMALL, *flags]) == 2
        assert says in one_line(capsys)
        assert "has no workers yet" in caplog.text

    real = study.as_completed
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    with Cluster(tmp_path) as cluster:
        cluster.start_scheduler()
        check_line_when(worker_dies, "gave up on a cell")
        check_line_when(scheduler_dies, "the scheduler is gone")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("tcp://127.0.0.1:1", "no Dask scheduler answers"),
        ("tls://127.0.0.1:1", "no Dask scheduler answers"),
        ("http://127.0.0.1:8786", "tcp://host:port"),
    ],
)
def test_a_useless_address_is_one_line(address, says, tmp_path, capsys, monkeypatch):
    assert CONNECT_SECONDS <= 10
    monkeypatch.setattr("lenet1998.training.cluster.CONNECT_SECONDS", 1)
    assert main([*SMALL, "--scheduler", address, "--out", str(tmp_path)]) == 2
    line = one_line(capsys)
    assert f"--scheduler {address}:" in line
    assert says in line


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "127.0.0.1:8786", "tcp://127.0.0.1", "tcp://127.0.0.1:port", "tcp://a/b:1"],
)
def test_what_is_no_address_is_refused_before_anything_is_read(address, capsys, monkeypatch):
    monkeypatch.setattr(study, "load", None)
    with pytest.raises(SystemExit) as stop:
        main([*SMALL, "--scheduler", address])
    assert stop.value.code == 2
    assert "argument --scheduler: " in one_line(capsys)


def test_without_dask_the_line_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*SMALL, "--scheduler", "tcp://127.0.0.1:1", "--out", str(tmp_path)]) == 2
    assert "pip install 'lenet1998[cluster]'" in one_line(capsys)


class Sent(Exception):  # noqa: N818
    """A cell was sent to a worker, with these arguments."""


@pytest.mark.parametrize(
    ("directory", "there"),
    [
        (Path("data"), lambda here: here / "data"),
        (Path("../data"), lambda here: here.parent / "data"),
        ("data", lambda here: here / "data"),
        (Path("~/data"), lambda here: here / "home" / "data"),
        (Path("/data"), lambda here: Path("/data")),
        (None, lambda here: None),
    ],
)
def test_a_worker_is_sent_an_absolute_folder(directory, there, tmp_path, monkeypatch):
    class Executor:
        def submit(self, *call):
            raise Sent(call)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(study, "cluster", contextlib.contextmanager(lambda _: (yield Executor())))
    setting = Setting("mnist", directory)
    with pytest.raises(Sent) as caught:
        list(study.run_on_cluster([Cell(RECIPE, 0, tmp_path)], setting, "tcp://127.0.0.1:1"))
    ((_, *arguments),) = caught.value.args
    (sent,) = (each for each in arguments if isinstance(each, Setting))
    assert sent.directory == there(tmp_path)
    assert not any(isinstance(each, Path) for each in arguments)
