"""What is published installs, and runs where there is no checkout and no MNIST."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from textwrap import dedent

import pytest

from lenet1998 import __version__
from lenet1998.__main__ import COMMANDS
from lenet1998.cite.__main__ import SOFTWARE, bibtex
from lenet1998.cite.tables import compared
from lenet1998.report.tables import markdown

pytestmark = pytest.mark.slow  # both distributions are built, and one installed

pytest.importorskip("build", reason="needs what the extra dev brings")

ROOT = Path(__file__).parents[1]
PUBLISHED = ("pyproject.toml", "README.md", "LICENSE")


def run(*arguments, folder: Path, **variables) -> str:
    """What a command prints, run in a folder; its complaint if it fails."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LENET1998_DATA")}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=environment | {key: str(value) for key, value in variables.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The source distribution, and the wheel that is built of it and of nothing else."""
    source = tmp_path_factory.mktemp("source")
    for name in PUBLISHED:
        shutil.copy(ROOT / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lenet1998", source / "lenet1998", ignore=ignored)
    out = tmp_path_factory.mktemp("built")
    run("-m", "build", "--no-isolation", "--outdir", out, source, folder=out)
    return out


def test_everything_of_the_package_is_in_both(built):
    """All files that git tracks in it, data too."""
    listed = subprocess.run(
        ["git", "ls-files", "lenet1998"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tracked = set(listed.stdout.splitlines())
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    assert sdist.name == f"lenet1998-{__version__}.tar.gz"
    assert tracked <= set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked | set(PUBLISHED) <= names


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """A folder with the wheel installed in it; what it needs is this environment's."""
    site = tmp_path_factory.mktemp("site")
    (wheel,) = built.glob("*.whl")
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
    run(*pip, folder=site)
    return site


def test_it_runs_without_a_checkout(installed, tmp_path):
    code = dedent("""
        import contextlib, sys
        import lenet1998
        from lenet1998.__main__ import main

        assert lenet1998.__file__.startswith(sys.argv[1]), lenet1998.__file__
        for line in (
            "cite",
            "cite --table comparison",
            "compare original modern --out compared",
            "ablate --list",
            "reproduce --list",
            "reproduce --dataset digits --engine eager --passes 1 --train-size 30"
            " --set curvature_patterns=5",
        ):
            with contextlib.suppress(SystemExit):  # how --list ends
                assert main(line.split()) == 0, line
        print(lenet1998.count(lenet1998.load_pretrained("modern")).parameters)
    """)
    out = run("-c", code, installed, folder=tmp_path, PYTHONPATH=installed)
    assert out.startswith(bibtex(SOFTWARE))
    assert markdown(compared()[0]) in out
    assert "c3" in out
    assert out.splitlines()[-1] == "61706"
    assert (tmp_path / "compared" / "comparison.csv").is_file()
    assert len([*(tmp_path / "runs").rglob("record.json")]) == 1


def test_the_console_script_lists_all_commands(installed, tmp_path):
    script = installed / "bin" / "lenet1998"
    out = run(script, folder=tmp_path, PYTHONPATH=installed)
    assert all(f"  {name} " in out for name in COMMANDS)


def test_every_module_is_imported_without_a_checkout(installed, tmp_path):
    """But for what fills the pages of one."""
    code = dedent("""
        import importlib, pkgutil
        import lenet1998

        failed = {}
        for module in pkgutil.walk_packages(lenet1998.__path__, "lenet1998."):
            try:
                importlib.import_module(module.name)
            except ImportError as error:
                failed[module.name] = error.name
        print({name for name, of in failed.items() if of == "experiments"})
    """)
    out = run("-c", code, folder=tmp_path, PYTHONPATH=installed)
    assert out.strip() == "{'lenet1998.report.pages'}"
