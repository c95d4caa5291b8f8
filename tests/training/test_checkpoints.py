"""A checkpoint is a file like any other: checked from end to end before a run goes on from it."""

import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

from lenet1998.errors import BadInput
from lenet1998.recipes import recipe_named
from lenet1998.training import fit
from lenet1998.training.checkpoints import CHECKPOINT, restore
from lenet1998.training.run import Run

TINY = ["passes=2", "train_size=20", "curvature_patterns=10"]
OPTIMIZERS = {
    "sdlm": [],
    "sgd": ["optimizer=sgd", "eta=0.001", "momentum=0.5"],
    "adam": ["optimizer=adam", "eta=0.001", "batch_size=4"],
}


def tiny(optimizer):
    return recipe_named("original").override([*TINY, *OPTIMIZERS[optimizer]])


@pytest.fixture(scope="module")
def checkpoints(digits, tmp_path_factory):
    """What a run of two passes with each optimizer keeps after the first."""
    folders = {name: tmp_path_factory.mktemp(name) for name in OPTIMIZERS}

    for name, folder in folders.items():

        def stop(pass_number, done, errors):
            if pass_number == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(tiny(name), 0, digits, engine="eager", folder=folder, progress=stop)
    return {name: (folder / CHECKPOINT).read_bytes() for name, folder in folders.items()}


@pytest.fixture
def refusal(checkpoints, digits, tmp_path):
    """What is said when a run is to go on from a harmed checkpoint."""

    def told(harm, optimizer="sdlm", engine="eager") -> str:
        file = tmp_path / CHECKPOINT
        file.write_bytes(checkpoints[optimizer])
        harm(file)
        with pytest.raises(BadInput) as caught:
            fit(tiny(optimizer), 0, digits, engine=engine, folder=tmp_path, resume=True)
        said = str(caught.value)
        assert said.startswith(f"{file}: ")
        assert "\n" not in said
        assert len(said) < len(str(file)) + 400
        return said

    return told


def change(place, value):
    """A harm: another value at a place in what the checkpoint holds."""

    def harm(file: Path) -> None:
        state = torch.load(file, weights_only=True)
        *path, last = place
        inner = state
        for key in path:
            inner = inner[key]
        inner[last] = value(inner[last]) if callable(value) else value
        torch.save(state, file)

    return harm


def flip(file: Path) -> None:
    """One bit of a weight, which stays a number."""
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        large = max(archive.infolist(), key=lambda part: part.file_size)
    content[large.header_offset + large.file_size // 2] ^= 1
    file.write_bytes(content)


def packed(file: Path) -> None:
    """A file that holds far more than it takes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**7))


def pickled_otherwise(file: Path) -> None:
    """A pickle of a protocol that there is not, of which torch warns and goes on."""
    with zipfile.ZipFile(file) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, inner in parts.items():
            changed = name.endswith("data.pkl")
            archive.writestr(name, inner[:1] + bytes([238]) + inner[2:-9] if changed else inner)


nan = float("nan")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda f: f.write_bytes(b""), "no readable checkpoint (File is not a zip file)"),
        (lambda f: f.write_bytes(f.read_bytes()[:-1]), "no readable checkpoint"),
        (lambda f: f.write_bytes(f.read_bytes() * 200), "larger than 67,108,864 bytes"),
        (flip, "is damaged)"),
        (packed, "its parts are packed"),
        (lambda f: torch.save([1, 2], f), "no checkpoint of a run"),
        (lambda f: torch.save({"run": Run}, f), "no readable checkpoint (Weights only"),
        (lambda f: f.write_bytes(pickle.dumps({"run": {}})), "not a zip file"),
        (change(["run"], lambda _: torch.zeros(3)), "holds a Tensor"),
        (change(["run", "seed"], "0"), "run.seed is '0'"),
        (change(["run", "seed"], 3), "of a run with seed=3"),
        (change(["run", "recipe", "name"], "x" * 999), "of a run with name=xxx"),
        (change(["per_pass"], []), "has 0 passes of a run of 2"),
        (change(["per_pass"], lambda p: [p[0] | {"pass": k} for k in (1, 2, 3)]), "has 3 passes"),
        (change(["per_pass", 0, "pass"], 2), "has pass 2 where pass 1 should be"),
        (change(["per_pass", 0, "loss"], nan), "not finite"),
        (change(["per_pass", 0, "loss"], "low"), "per_pass[0].loss is 'low'"),
        (change(["per_pass", 0, "test_errors"], 501), "501 of 500 misclassified"),
        (change(["predictions"], [1, 2]), "holds no tensors"),
        (change(["predictions"], lambda p: p[:-1]), "not those of 500 test patterns"),
        (change(["predictions"], lambda p: p.float()), "not those of 500 test patterns"),
        (change(["predictions"], lambda p: p + 10), "where there are 10 classes"),
        (change(["model", "c1.bias"], 3), "holds no tensors"),
        (change(["model", "c1.bias"], lambda t: t[:5]), "differ in c1.bias"),
        (change(["model", "c1.bias"], lambda t: t.half()), "differ in c1.bias"),
        (change(["model", "c1.bias"], lambda t: t[:1].expand(10**12)), "differ in c1.bias"),
        (change(["model", "c1.bias"], lambda t: t * nan), "c1.bias holds values that are no"),
        (change(["model", "c1.bias"], lambda t: t.to("meta")), "differ in c1.bias"),
        (change(["model"], lambda m: {7: m["c1.bias"]}), "holds no tensors"),
        (change(["model"], {}), "the weights of another network"),
        (change(["engine"], 3), "engine is 3"),
        (change(["engine"], "cuda"), "written by the cuda engine"),
        (change(["engine_state"], {}), "the state of another optimizer"),
        (change(["engine_state", "state", 0], {}), "the state of another optimizer"),
        (change(["engine_state", "state", 0, "curvature"], 2.0), "its curvature is no tensor"),
        (change(["engine_state", "state", 3, "curvature"], lambda h: -h - 1), "is below 0"),
        (change(["engine_state", "state", 3, "curvature"], lambda h: h.to("meta")), "no tensor"),
    ],
)
def test_a_damaged_checkpoint_is_named_in_one_line(harm, says, refusal):
    assert says in refusal(harm)


def test_torchs_warnings_of_a_damaged_checkpoint_are_no_second_line(refusal, recwarn):
    warnings.simplefilter("always")
    assert "no readable checkpoint" in refusal(pickled_otherwise)
    assert not list(recwarn)


@pytest.mark.parametrize(
    ("optimizer", "name", "value", "says"),
    [
        ("sgd", "momentum_buffer", lambda t: t * nan, "holds values that are no numbers"),
        ("sgd", "momentum_buffer", lambda t: t[:2], "its momentum_buffer is no tensor of (6, 1"),
        ("adam", "step", lambda t: t - 9, "its step is below 1"),
        ("adam", "exp_avg_sq", lambda t: -t - 1, "its exp_avg_sq is below 0"),
    ],
)
def test_what_an_optimizer_kept_is_checked(optimizer, name, value, says, refusal):
    assert says in refusal(change(["engine_state", "state", 0, name], value), optimizer)


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (["engine_state"], {}, "the state of another optimizer"),
        (["engine_state", "steps"], -1, "its steps are no number"),
        (["engine_state", "velocity"], {}, "the velocity of another recipe"),
        (["arithmetic"], 1, "written with arithmetic 1 of the compiled engine, of which this"),
        (["engine_state", "velocity", "f6.bias"], torch.zeros(3), "velocity of f6.bias is no"),
    ],
)
def test_what_the_compiled_engine_kept_is_checked(place, value, says, refusal, digits):
    def harm(file: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            fit(tiny("sgd"), 0, digits, engine="compiled", folder=file.parent, progress=stop)
        change(place, value)(file)

    def stop(pass_number, done, errors):
        if pass_number == 2:
            raise KeyboardInterrupt

    assert says in refusal(harm, "sgd", "compiled")


def test_a_refused_checkpoint_leaves_record_and_model_as_they_were(checkpoints, digits, tmp_path):
    file = tmp_path / CHECKPOINT
    file.write_bytes(checkpoints["sdlm"])
    change(["model", "f6.bias"], lambda t: t * nan)(file)
    run = Run(tiny("sdlm"), 0, digits, "eager", torch.device("cpu"))
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    with pytest.raises(BadInput, match=r"f6\.bias"):
        restore(file, run.record, run.model)
    assert run.record.per_pass == []
    assert run.record.predictions is None
    assert all(torch.equal(t, before[name]) for name, t in run.model.state_dict().items())


def test_a_run_goes_on_from_a_checkpoint_of_before_a_switch_was_added(
    checkpoints, digits, tmp_path
):
    file = tmp_path / CHECKPOINT
    file.write_bytes(checkpoints["sdlm"])
    state = torch.load(file, weights_only=True)
    del state["run"]["recipe"]["mu_f6"], state["run"]["recipe"]["codes"]
    torch.save(state, file)
    resumed = fit(tiny("sdlm"), 0, digits, engine="eager", folder=tmp_path, resume=True)
    whole = fit(tiny("sdlm"), 0, digits, engine="eager")
    assert (resumed.predictions == whole.predictions).all()
    assert resumed.recipe == whole.recipe
