"""A committed run becomes a packaged file of weights, the same bytes each time."""

import pytest
from factory import make_record

from experiments.pretrained import package as pretrained
from experiments.pretrained.tables import metadata
from lenet1998.data import load, prepare
from lenet1998.models import build_model
from lenet1998.pretrained import load_net
from lenet1998.recipes import RECIPES
from lenet1998.training import study
from lenet1998.training.records import WEIGHTS, write_record
from lenet1998.weights import read_weights


@pytest.fixture
def run(tmp_path, tiny_mnist, monkeypatch):
    """An untrained net of noise as a run of seed 0; where the package would keep its weights."""
    monkeypatch.setattr(study, "load_once", study.load_once.__wrapped__)
    monkeypatch.setattr(pretrained, "weights_of", lambda name: tmp_path / f"{name}.packaged")
    data, model = load("mnist", tiny_mnist), build_model("noise")
    answers = model.predict(prepare(data.test_images)).numpy()
    dataset = {
        "name": "mnist",
        "checksum": data.checksum,
        "train_patterns": len(data.train_images),
        "test_patterns": len(answers),
    }
    record = make_record(
        ((answers != data.test_labels).sum().item(),),
        recipe=RECIPES["noise"].as_dict(),
        predictions=answers,
        weights={name: tensor.numpy() for name, tensor in model.state_dict().items()},
    )
    record.dataset = dataset
    write_record(tmp_path / "run", record)
    return record


def packed(tmp_path, tiny_mnist) -> int:
    return pretrained.main([str(tmp_path / "run"), "--data", str(tiny_mnist)])


def test_a_run_is_packaged_with_what_it_is(run, tmp_path, tiny_mnist, capsys):
    assert packed(tmp_path, tiny_mnist) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'run'}: noise.packaged\n"
    file = tmp_path / "noise.packaged"
    state, told = read_weights(file)
    assert told == metadata(run)
    assert load_net(str(file)).recipe == RECIPES["noise"]
    assert all((state[name].numpy() == tensor).all() for name, tensor in run.weights.items())
    before = file.read_bytes()
    (tmp_path / "run" / WEIGHTS).unlink()  # what is packaged already is as good
    assert packed(tmp_path, tiny_mnist) == 0
    assert file.read_bytes() == before


def refused(tmp_path, tiny_mnist, capsys) -> str:
    assert packed(tmp_path, tiny_mnist) == 2
    assert not (tmp_path / "noise.packaged").exists()
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_other_weights_than_the_runs_are_refused(run, tmp_path, tiny_mnist, capsys):
    run.predictions[0] = (run.predictions[0] + 1) % 10
    write_record(tmp_path / "run", run)
    assert "reads 1 patterns otherwise than" in refused(tmp_path, tiny_mnist, capsys)
    run.recipe = RECIPES["distortions"].as_dict()
    weights = (tmp_path / "run" / WEIGHTS).read_bytes()
    write_record(tmp_path / "run", run)
    (tmp_path / "run" / WEIGHTS).write_bytes(weights)
    assert "of another recipe than" in refused(tmp_path, tiny_mnist, capsys)


def test_what_cannot_be_packaged_is_one_line(run, tmp_path, tiny_mnist, capsys):
    run.dataset["checksum"] = "another"
    write_record(tmp_path / "run", run)
    assert "of other data than MNIST" in refused(tmp_path, tiny_mnist, capsys)
    run.weights = None
    write_record(tmp_path / "run", run)
    assert "its weights are not at hand" in refused(tmp_path, tiny_mnist, capsys)
    run.recipe = RECIPES["coursework-adam"].as_dict()
    write_record(tmp_path / "run", run)
    assert "a run of coursework-adam; packaged are" in refused(tmp_path, tiny_mnist, capsys)
