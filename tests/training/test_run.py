"""A run from recipe to record: determinism, resuming, measuring, and stopping."""

import contextlib
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from lenet1998 import engines
from lenet1998.data import Dataset, flanks, load, prepare
from lenet1998.data.streams import stream
from lenet1998.engines.cuda import engine as cuda_engine
from lenet1998.engines.eager import EagerEngine
from lenet1998.engines.evaluation import predict
from lenet1998.errors import BadInput
from lenet1998.models import build_model, build_optimizer
from lenet1998.pretrained import load_net
from lenet1998.recipes import recipe_named
from lenet1998.reproduce import __main__ as reproduce
from lenet1998.training import run as training
from lenet1998.training import study
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.records import WEIGHTS, read_record, write_record
from lenet1998.training.run import Interrupted, Run, fit, fit_together
from lenet1998.training.schedule import Schedule, _test_images
from lenet1998.training.study import Bars, Cell, Setting

SMALL = ["passes=3", "train_size=60", "curvature_patterns=20"]


@pytest.fixture(scope="module")
def data(digits) -> Dataset:
    """The embedded digits with 40 test patterns."""
    return dataclasses.replace(
        digits, test_images=digits.test_images[:40], test_labels=digits.test_labels[:40]
    )


def small(variant="original", *switches):
    return recipe_named(variant).override([*SMALL, *switches])


def train(recipe, data, **options):
    return fit(recipe, data=data, **{"engine": "eager", **options})


def same(one, other):
    """Whether two runs learnt the same, to the byte."""
    timeless = [
        [{k: v for k, v in entry.items() if k != "seconds"} for entry in record.per_pass]
        for record in (one, other)
    ]
    return timeless[0] == timeless[1] and all(
        np.array_equal(one.weights[name], other.weights[name]) for name in one.weights
    )


@pytest.fixture
def two_threads():
    """A caller that lets torch use two, as it does by itself."""
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_the_callers_threads_change_no_byte_and_stay(engine, data, two_threads):
    record = train(small(), data, engine=engine)
    assert torch.get_num_threads() == 2
    assert record.environment["threads"] == 1
    torch.set_num_threads(1)
    assert same(record, train(small(), data, engine=engine))


@pytest.mark.usefixtures("two_threads")
def test_answers_are_of_one_thread(data):
    seen = []
    model = build_model(recipe_named("original")).double()  # which answers itself
    model.output.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    predict(model, prepare(data.test_images).double())
    assert set(seen) == {1}


@pytest.mark.usefixtures("two_threads", "no_net_figures")
def test_a_command_gives_the_bytes_of_fit(tiny_mnist, tmp_path):
    flags = ["--passes", "1", "--train-size", "30", "--engine", "eager", "--jobs", "2"]
    place = ["--data", str(tiny_mnist), "--dataset", "mnist", "--out", str(tmp_path)]
    study.load_once.cache_clear()
    assert reproduce.main([*flags, *place, "--seeds", "0-1"]) == 0
    study.load_once.cache_clear()
    recipe = recipe_named("original").override(["passes=1", "train_size=30"])
    ours = fit(recipe, 1, load("mnist", tiny_mnist), engine="eager")
    theirs = load_file(tmp_path / "seed-1" / WEIGHTS)
    assert all(np.array_equal(theirs[name], weights) for name, weights in ours.weights.items())


@pytest.mark.parametrize("variant", ["original", "original-logistic", "modern", "coursework-adam"])
def test_the_same_seed_gives_the_same_bytes(variant, data):
    runs = [train(small(variant), data, seed=seed) for seed in (0, 0, 1)]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


def test_the_record_says_what_was_run(data):
    record = train(small(), data, seed=3)
    assert record.recipe == small().as_dict()
    assert (record.seed, record.status) == (3, "finished")
    assert (record.parameters, record.connections) == (60_000, 340_908)
    assert record.dataset["train_patterns"] == 60
    assert [entry["pass"] for entry in record.per_pass] == [1, 2, 3]
    for entry in record.per_pass:
        assert 0 < entry["rate_min"] < entry["rate_max"] <= 5e-4 / 0.02
    wrong = (record.predictions != data.test_labels).sum()
    assert record.last["test_errors"] == wrong
    assert record.last["test_error_percent"] == pytest.approx(100 * wrong / 40)
    assert record.environment["engine"] == "eager"


def test_training_error_is_counted_on_the_fly(data):
    """One pass, pattern by pattern: each is judged by the net as it was just before it."""
    recipe = small("original", "passes=1", "train_size=30")
    schedule = Schedule(recipe, 0, data)
    model, criterion = build_model(recipe, 0), recipe.build_criterion()
    optimizer = build_optimizer(recipe, model)
    images, labels = schedule.take(schedule.indices(1), 1)
    engine = EagerEngine(recipe, model)
    optimizer.set_curvature(engine.curvature(model, images[:20], labels[:20]))
    wrong, loss_sum = 0, 0.0
    for x, y in zip(images.split(1), labels.split(1), strict=True):
        wrong += int(model.predict(x) != y)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss_sum += loss.item()
        loss.backward()
        optimizer.step()
    record = train(recipe, data)
    assert record.per_pass[0]["train_error_percent"] == pytest.approx(100 * wrong / 30)
    assert record.per_pass[0]["loss"] == pytest.approx(loss_sum / 30, rel=1e-6)
    np.testing.assert_array_equal(record.weights["c5.weight"], model.c5.weight.detach().numpy())


@pytest.mark.parametrize(
    ("variant", "switches"),
    [
        ("original", ["curvature_draw=fresh", "order=renewed"]),
        ("modern", []),
        ("modern", ["optimizer=adam", "momentum=0", "eta=0.001"]),
    ],
)
def test_killed_and_resumed_equals_never_killed(variant, switches, data, tmp_path):
    recipe = small(variant, *switches)

    def stop_in_pass_three(pass_number, done, errors):
        if pass_number == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(recipe, data, folder=tmp_path, progress=stop_in_pass_three)
    told = []
    resumed = train(
        recipe, data, folder=tmp_path, resume=True, progress=lambda p, *_: told.append(p)
    )
    assert told == [3]
    assert same(resumed, train(recipe, data))


def test_resume_without_a_checkpoint_starts(data, tmp_path):
    assert same(train(small(), data, folder=tmp_path, resume=True), train(small(), data))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"recipe": small("original", "mu=0.1")}, r"mu=0\.02"),
        ({"seed": 1}, "seed=0"),
        ({"data": "other"}, "dataset="),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_kept(change, fault, data, tmp_path):
    train(small(), data, folder=tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    if change.get("data"):
        change = {"data": dataclasses.replace(data, checksum="another")}
    given = {"recipe": small(), "data": data, "folder": tmp_path, "resume": True, **change}
    with pytest.raises(BadInput, match=fault):
        fit(engine="eager", **given)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_a_broken_checkpoint_is_one_line(data, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"not a checkpoint")
    with pytest.raises(BadInput, match=r"no readable checkpoint \(.*\)$") as caught:
        train(small(), data, folder=tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_a_run_that_diverges_stops_and_keeps_its_last_good_pass(data, tmp_path, monkeypatch):
    honest = Run.begin_pass

    def poisoned(run, pass_number, engine):
        if pass_number == 2:
            with torch.no_grad():
                run.model.f6.bias[0] = float("nan")
        return honest(run, pass_number, engine)

    monkeypatch.setattr(Run, "begin_pass", poisoned)
    record = train(small(), data, folder=tmp_path)
    assert record.diverged
    assert [entry["pass"] for entry in record.per_pass] == [1]
    monkeypatch.undo()
    resumed = train(small(), data, folder=tmp_path, resume=True)
    assert same(resumed, train(small(), data))


def test_a_loss_that_overflows_is_noticed(data):
    record = train(small("modern", "eta=1e30", "squash=relu", "batch_size=8"), data)
    assert record.diverged
    assert record.per_pass == []


@pytest.mark.parametrize("layer", ["c1.weight", "c5.bias", "f6.bias"])
def test_a_curvature_that_is_no_number_is_noticed_in_any_layer(layer, data, monkeypatch):
    honest = EagerEngine.curvature

    def poisoned(*args):
        curvature = honest(*args)
        curvature[layer].view(-1)[0] = float("nan")
        return curvature

    monkeypatch.setattr(EagerEngine, "curvature", poisoned)
    run = Run(small(), 0, data, "eager", torch.device("cpu"))
    run.begin_pass(1, EagerEngine(run.recipe, run.model))
    assert run.record.diverged


def test_orders_are_constant_or_renewed_and_private(data):
    constant, renewed = (
        Schedule(small("original", f"order={o}"), 0, data) for o in ("constant", "renewed")
    )
    np.testing.assert_array_equal(constant.indices(1), constant.indices(7))
    assert (renewed.indices(1) != renewed.indices(2)).any()
    assert sorted(renewed.indices(1)) == sorted(constant.indices(1))
    asked = renewed.indices(3)
    renewed.curvature_indices(3)
    np.testing.assert_array_equal(renewed.indices(3), asked)


def test_a_smaller_training_set_is_the_start_of_the_larger_ones_order(data):
    few, many = (Schedule(small("original", f"train_size={n}"), 0, data) for n in (50, 200))
    np.testing.assert_array_equal(few.indices(1), many.indices(1)[:50])


@pytest.mark.parametrize(
    ("draw", "first", "again"),
    [("first", True, True), ("fixed", False, True), ("fresh", False, False)],
)
def test_the_curvatures_patterns(draw, first, again, data):
    schedule = Schedule(small("original", f"curvature_draw={draw}"), 0, data)
    one, two = schedule.curvature_indices(1), schedule.curvature_indices(2)
    assert len(set(one)) == 20
    assert set(one) <= set(schedule.indices(1))
    assert np.array_equal(one, schedule.indices(1)[:20]) == first
    assert np.array_equal(one, two) == again


def test_with_distortions_each_pass_takes_the_next_patterns(data):
    """As many patterns a pass as there are originals; ten passes see each of the pool once."""
    recipe = recipe_named("original").override(["distortions=true", "passes=20"])
    few = dataclasses.replace(
        data, train_images=data.train_images[:12], train_labels=data.train_labels[:12]
    )
    schedule = Schedule(recipe, 0, few)
    seen = np.concatenate([schedule.indices(p) for p in range(1, 11)])
    assert sorted(seen) == list(range(120))
    np.testing.assert_array_equal(schedule.indices(11), schedule.indices(1))
    images, labels = schedule.take(np.array([5, 17]), 1)
    assert labels[0] == labels[1]  # 17 is a distorted version of 5
    assert not torch.equal(images[0], images[1])


def test_with_distortions_only_the_chosen_originals_are_learnt(data):
    recipe = recipe_named("original").override(["distortions=true", "train_size=30"])
    schedule = Schedule(recipe, 0, data)
    chosen = set(Schedule(small("original", "train_size=30"), 0, data).indices(1))
    learnt = np.concatenate([schedule.indices(number) for number in range(1, 11)])
    assert len(set(learnt)) == 300
    assert set(learnt % len(data.train_images)) == chosen


def test_what_is_held_out_is_not_learnt_distorted_either(data):
    recipe = recipe_named("distortions").changed(held_out=50, curvature_patterns=20)
    n, schedule = len(data.train_images), Schedule(recipe, 3, data)
    learnt = {i % n for number in range(1, 11) for i in schedule.indices(number)}
    plain = Schedule(small("original", "held_out=50", "train_size=none"), 3, data)
    assert learnt == set(plain.indices(1))
    assert len(learnt) == n - 50


def test_what_is_held_out_is_asked_and_never_learnt(data):
    recipe = small("original", "held_out=50", "train_size=none")
    schedule = Schedule(recipe, 3, data)
    learnt, everything = set(schedule.indices(1)), set(range(len(data.train_images)))
    asked = data.train_images[sorted(everything - learnt)]
    assert schedule.per_pass == len(learnt) == len(everything) - 50
    # The same patterns, whatever their order.
    shown = prepare(asked).flatten(1).sum(1).sort().values
    assert torch.equal(schedule.test_images.flatten(1).sum(1).sort().values, shown)
    assert not np.array_equal(schedule.test_labels, Schedule(recipe, 4, data).test_labels)
    record = train(small("original", "held_out=50"), data, seed=3)
    assert record.dataset["test_patterns"] == len(record.predictions) == 50
    truth = schedule.test_labels
    assert record.last["test_errors"] == (record.predictions != truth).sum()
    with pytest.raises(BadInput, match=r"train_size=1,290 with held_out=50: digits has 1,297"):
        Schedule(small("original", "held_out=50", "train_size=1290"), 0, data)


def test_more_patterns_than_there_are_is_refused(data):
    with pytest.raises(BadInput, match=r"train_size=2,000: digits has 1,297"):
        train(small("original", "train_size=2000"), data)


@contextlib.contextmanager
def defaults(dtype, device):
    torch.set_default_dtype(dtype)
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize("variant", ["original", "coursework-adam"])
def test_the_callers_modes_change_no_byte_and_stay(engine, variant, data):
    recipe = small(variant, "passes=1")
    expected = train(recipe, data, engine=engine)
    for mode in (
        torch.no_grad(),
        torch.inference_mode(),
        defaults(torch.float64, "cpu"),
        defaults(torch.bfloat16, "meta"),
    ):
        _test_images.cache_clear()
        with mode:
            before = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
            found = train(recipe, data, engine=engine)
            assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == before
        assert same(found, expected)


def test_a_run_goes_on_under_other_modes(data, tmp_path):
    def stop_in_pass_three(pass_number, done, errors):
        if pass_number == 3:
            raise Interrupted

    with torch.inference_mode(), pytest.raises(Interrupted):
        train(small(), data, folder=tmp_path, progress=stop_in_pass_three)
    with torch.no_grad(), defaults(torch.float64, "cpu"):
        resumed = train(small(), data, folder=tmp_path, resume=True)
    assert same(resumed, train(small(), data))


def test_a_folder_may_be_a_string(data, tmp_path):
    train(small("original", "passes=1"), data, folder=str(tmp_path / "run"))
    assert (tmp_path / "run" / CHECKPOINT).is_file()


def test_numpys_seed_and_torchs_device_are_taken(data):
    record = train(small(), data, seed=np.int64(3), device=torch.device("cpu"))
    assert type(record.seed) is int
    assert same(record, train(small(), data, seed=3))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"recipe": "orignal"}, BadInput, "variant orignal: no such variant; valid are original"),
        ({"recipe": None}, TypeError, "recipe must be a Recipe or str, got NoneType"),
        ({"pases": 3}, TypeError, "pases: neither an argument of fit nor a switch of a recipe"),
        ({"pooling": "mx"}, BadInput, "pooling=mx: pooling must be trainable, "),
        ({"data": "digits"}, TypeError, "data must be a Dataset or four arrays, .* got str"),
        ({"data": (1, 2)}, TypeError, "data must be a Dataset or four arrays, .* got tuple"),
        ({"seed": -1}, ValueError, "seed must be from 0 to 4294967295, got -1"),
        ({"seed": True}, TypeError, "seed must be a whole number, got True"),
        ({"seed": 1.0}, TypeError, "seed must be a whole number, got 1.0"),
        ({"seed": np.float64(1)}, TypeError, "seed must be a whole number"),
        ({"folder": 5}, TypeError, "folder must be a str or PathLike, got int"),
        ({"folder": b"run"}, TypeError, "folder must be a str or PathLike, got bytes"),
        ({"folder": ""}, ValueError, "folder must not be an empty string"),
        ({"device": 0}, BadInput, "device 0: must be auto, cpu"),
        ({"engine": None}, BadInput, "engine None: must be one of auto"),
        ({"progress": 5}, TypeError, "progress must be a Callable, got int"),
        ({"callback": "stop"}, TypeError, "callback must be a Callable, got str"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, says, data):
    with pytest.raises(error, match=says):
        fit(**{"recipe": small(), "data": data, **arguments})


def test_a_variants_name_and_switches_are_a_recipe(data):
    named = fit("modern", data=data, passes=2, train_size=60)
    recipe = recipe_named("modern").changed(passes=2, train_size=60)
    assert named.recipe == recipe.as_dict()
    assert same(named, fit(recipe, data=data))
    assert same(named, fit(recipe.changed(passes=5), data=data, passes=2))


def test_four_arrays_are_a_data_set(data):
    arrays = [data.train_images, data.train_labels, data.test_images, data.test_labels]
    record = train(small(), arrays)
    assert record.dataset["name"] == "own"
    assert record.dataset["checksum"] == Dataset("any", *arrays).checksum
    assert same(record, train(small(), data))
    tensors = [torch.from_numpy(array) for array in arrays]
    assert same(record, train(small(), tensors))


def test_fewer_classes_and_other_sizes_are_learnt(data):
    images, labels = data.train_images[:, :, 2:-2], data.train_labels % 2
    record = train(small(), [images, labels, images[:50], labels[:50]])
    assert record.last["test_errors"] < 25


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y, u, v: (x[:900], y[:1000], u, v), "900 train_images with 1,000 train_labels"),
        (lambda x, y, u, v: (x, y, u, v + 16), "labels must be 0 to 9, .* own has 25: codes=rand"),
        (lambda x, y, u, v: (x, y + 1, u, v), "labels must be 0 to 9, .* own has 10"),
        (lambda x, y, u, v: (x * np.nan, y, u, v), "train_images of floats must be from 0 to 1"),
        (lambda x, y, u, v: (x, y, u[:0], v[:0]), "own has no test patterns"),
        (lambda x, y, u, v: (x[:0], y[:0], u, v), "own has 0 training patterns"),
        (lambda x, y, u, v: (x[:, 1:], y, u[:, 1:], v), "cannot pad 27 pixels evenly to 32"),
    ],
)
def test_data_that_cannot_be_learnt_is_refused_before_anything_is_trained(
    change, words, data, monkeypatch
):
    monkeypatch.setattr(engines, "create", None)
    arrays = data.train_images, data.train_labels, data.test_images, data.test_labels
    with pytest.raises((ValueError, BadInput), match=words):
        fit(data=change(*arrays), passes=1, train_size=None)


@pytest.fixture(scope="module")
def twenty(digits) -> Dataset:
    """Ten digits, and ten more classes that are their mirror images."""

    def both(images, labels):
        return np.concatenate([images, images[..., ::-1]]), np.concatenate([labels, labels + 10])

    train = both(digits.train_images, digits.train_labels)
    return Dataset("mirrored", *train, *both(digits.test_images[:100], digits.test_labels[:100]))


@pytest.mark.parametrize(
    ("variant", "codes"), [("original", "random"), ("original", "one_hot"), ("modern", "bitmaps")]
)
def test_twenty_classes_are_learnt_written_and_read(variant, codes, twenty, tmp_path, caplog):
    recipe = recipe_named(variant).changed(codes=codes, passes=2, train_size=1500)
    record = fit(recipe, data=twenty, folder=tmp_path)
    assert "ten classes and one channel): going on with eager" in caplog.text
    assert record.dataset["classes"] == 20
    assert record.predictions.max() > 9
    assert variant == "modern" or record.last["test_error_percent"] < 50  # chance has 95
    write_record(tmp_path, record)
    np.testing.assert_array_equal(read_record(tmp_path).predictions, record.predictions)
    images = prepare(twenty.test_images)
    np.testing.assert_array_equal(record.build_model().predict(images), record.predictions)
    net = load_net(str(tmp_path))
    np.testing.assert_array_equal(net.model.predict(images), record.predictions)
    assert same(fit(recipe, data=twenty, folder=tmp_path, resume=True), record)


def test_engines_of_ten_classes_refuse_more(twenty, monkeypatch):
    monkeypatch.setattr(engines, "check", lambda *_: None)
    with pytest.raises(BadInput, match="engine cuda: has 10 classes, not 20; use auto"):
        fit("modern", data=twenty, engine="cuda")


@pytest.mark.parametrize("variant", ["original", "strings"])
def test_digits_codes_and_blanks_are_of_ten_classes(variant, twenty):
    with pytest.raises(ValueError, match=r"labels must be 0 to 9, .*codes=random has any number"):
        fit(variant, data=twenty)


@pytest.mark.parametrize("switches", ["distortions=true", "flanks=true"])
def test_patterns_are_made_of_28x28_only(switches, data):
    images, labels = data.train_images[:, 4:24, 4:24], data.train_labels
    with pytest.raises(ValueError, match=r"images must be \(28, 28\), .* got \(20, 20\)"):
        train(small("original", switches), [images, labels, images, labels])


def stopping(how):
    """A callback's answer that stops a run."""
    if how == "StopIteration":
        raise StopIteration
    return how


@pytest.mark.parametrize("how", [True, "enough", np.True_, "StopIteration"])
def test_a_callback_stops_a_run_after_a_pass(how, data):
    seen = []

    def callback(record):
        seen.append(record.last["test_errors"])
        return stopping(how) if len(seen) == 2 else None

    record = train(small(), data, callback=callback)
    assert record.status == "finished"
    assert len(record.per_pass) == len(seen) == 2
    assert same(record, train(small("original", "passes=2"), data))


@pytest.mark.parametrize("how", [True, "StopIteration"])
@pytest.mark.parametrize(("at", "passes"), [((2, 100), 1), ((2, 150), 2), ((1, 100), 0)])
def test_progress_stops_a_run_and_only_whole_passes_count(how, at, passes, data, monkeypatch):
    monkeypatch.setattr(training, "BLOCK", 50)
    recipe = small("original", "train_size=150")
    record = train(
        recipe,
        data,
        progress=lambda number, done, _: stopping(how) if (number, done) == at else False,
    )
    assert len(record.per_pass) == passes
    if passes:
        assert same(record, train(recipe.changed(passes=passes), data))


def test_a_run_that_was_stopped_goes_on(data, tmp_path):
    train(small(), data, folder=tmp_path, callback=lambda record: True)
    resumed = train(small(), data, folder=tmp_path, resume=True)
    assert same(resumed, train(small(), data))


def test_a_callback_stops_all_runs_together(data, together):
    records = fit_together(
        small(), [0, 5], data, callback=lambda run: run.seed == 5 and len(run.per_pass) == 2
    )
    assert [len(record.per_pass) for record in records] == [2, 2]


@pytest.mark.parametrize("variant", ["original", "modern", "strings", "1998-features"])
def test_a_record_builds_the_trained_network(variant, data):
    record = train(small(variant, "passes=1"), data)
    recipe = recipe_named(variant)
    images = prepare(data.test_images, recipe.input_size, recipe.scaling)
    model = record.build_model()
    np.testing.assert_array_equal(model.predict(images), record.predictions)
    with torch.no_grad():
        model.c1.weight.zero_()
    np.testing.assert_array_equal(record.build_model().predict(images), record.predictions)


def test_a_record_without_weights_builds_nothing(data, tmp_path):
    write_record(tmp_path, train(small("original", "passes=1"), data))
    with pytest.raises(ValueError, match=r"holds no weights.*load_net\(folder\) finds them"):
        read_record(tmp_path).build_model()


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:99", "cuda"])
def test_unknown_devices_are_refused(name, data):
    if name == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(BadInput, match=f"^device {name}: "):
        train(small(), data, device=name)
    with pytest.raises(BadInput, match=r"^engine warp: must be one of auto, eager"):
        train(small(), data, engine="warp")


class TogetherOnTheCpu:
    """Stands for the CUDA engine, which no test machine needs to have: runs side by side."""

    name = "cuda"
    arithmetic = None

    def __init__(self, recipe, models):
        self.models = models
        self.runs = [EagerEngine(recipe, model) for model in models]

    def curvature(self, model, images, labels):
        return self.runs[0].curvature(model, images, labels)

    def begin_pass(self, eta, curvatures):
        for run, curvature in zip(self.runs, curvatures, strict=True):
            # A run that has diverged is carried along; SDLM would refuse its curvature.
            sound = curvature and {name: h.nan_to_num() for name, h in curvature.items()}
            run.begin_pass(eta, [sound])

    def train(self, images, labels, order=None):
        orders = [None] * len(self.runs) if order is None else order[:, None]
        learnt = [
            run.train(images, labels, own) for run, own in zip(self.runs, orders, strict=True)
        ]
        return tuple(np.concatenate(column) for column in zip(*learnt, strict=True))

    def end_pass(self):
        pass

    def state_dicts(self):
        return [run.state_dicts()[0] for run in self.runs]

    def load_state_dicts(self, states):
        for run, state in zip(self.runs, states, strict=True):
            run.load_state_dicts([state])


@pytest.fixture
def together(monkeypatch):
    """A machine where many runs can go at once."""
    monkeypatch.setattr(engines, "check", lambda *_: None)
    monkeypatch.setattr(engines, "create", lambda name, *given: TogetherOnTheCpu(*given))
    monkeypatch.setattr(training, "resolve_device", lambda name: torch.device("cpu"))


@pytest.mark.parametrize("switches", [[], ["optimizer=sgd", "eta=0.001"]])
def test_runs_together_are_the_runs_alone(switches, data, together):
    recipe, told = small("original", *switches), []
    records = fit_together(recipe, [0, 5], data, progress=lambda *done: told.append(done))
    wrong = np.zeros(3)
    for seed, record in zip((0, 5), records, strict=True):
        assert same(record, train(recipe, data, seed=seed))
        assert record.environment["engine"] == "cuda"
        wrong += [entry["train_error_percent"] * 60 / 100 for entry in record.per_pass]
    assert told == [(pass_number, 60, wrong[pass_number - 1] / 2) for pass_number in (1, 2, 3)]


def test_a_runs_seconds_are_its_curvature_and_the_common_training(data, together, monkeypatch):
    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)

    def lasting(seconds, function):
        def slow(*given):
            clock.now += seconds
            return function(*given)

        return slow

    monkeypatch.setattr(training, "time", clock)
    for where, what, seconds in (
        (TogetherOnTheCpu, "curvature", 1),
        (TogetherOnTheCpu, "train", 10),
        (training, "predict", 100),
    ):
        monkeypatch.setattr(where, what, lasting(seconds, getattr(where, what)))
    for record in fit_together(small(), [0, 1], data):
        assert [entry["seconds"] for entry in record.per_pass] == [11, 11, 11]


def test_one_diverging_run_does_not_stop_the_others(data, together, monkeypatch):
    honest = Run.begin_pass

    def poisoned(run, pass_number, engine):
        if run.record.seed == 1 and pass_number == 2:
            with torch.no_grad():
                run.model.f6.bias[0] = float("nan")
        return honest(run, pass_number, engine)

    monkeypatch.setattr(Run, "begin_pass", poisoned)
    good, bad = fit_together(small(), [0, 1], data)
    assert (bad.status, len(bad.per_pass)) == ("diverged", 1)
    assert same(good, train(small(), data))


@pytest.mark.parametrize("switches", [[], ["optimizer=sgd", "eta=0.001", "momentum=0.5"]])
def test_runs_together_go_on_from_their_checkpoints(
    switches, data, together, tmp_path, monkeypatch
):
    """Also where the interruption came between the checkpoints of two runs."""
    recipe = small("original", *switches)
    cells = [Cell(recipe, seed, tmp_path / str(seed)) for seed in (0, 5)]
    monkeypatch.setattr(study, "load_once", lambda *_: data)
    told, late = [], cells[1].folder / CHECKPOINT

    def stop_in_pass_three(pass_number, done, errors):
        if pass_number == 2:
            late.with_suffix(".old").write_bytes(late.read_bytes())
        if pass_number == 3:
            raise Interrupted

    bars = Bars()
    bars.begin = lambda cell: stop_in_pass_three
    with pytest.raises(Interrupted):
        list(study.run(cells, Setting(engine="cuda"), bars=bars))
    late.with_suffix(".old").replace(late)
    bars.begin = lambda cell: lambda pass_number, *_: told.append(pass_number)
    records = dict(study.run(cells, Setting(engine="cuda"), bars=bars, resume=True))
    assert sorted(told) == [2, 3, 3]
    for cell in cells:
        assert same(records[cell], train(recipe, data, seed=cell.seed))
        assert not (cell.folder / CHECKPOINT).exists()


def test_the_cuda_engine_without_cuda_or_with_distortions_is_one_line(data, monkeypatch):
    monkeypatch.setattr(cuda_engine, "unavailable", lambda: "no GPU")
    with pytest.raises(BadInput, match=r"^engine cuda: no GPU; use auto$"):
        fit_together(small(), [0], data)
    monkeypatch.setattr(cuda_engine, "unavailable", lambda: None)
    with pytest.raises(BadInput, match="distortions"):
        fit_together(small("original", "distortions=true"), [0], data)


def test_noise_inverts_the_share_of_pixels_it_says(data):
    """Anew each time a pattern is shown, and only in what is learnt."""
    schedule = Schedule(small("original", "noise=0.1"), 0, data)
    plain = Schedule(small(), 0, data)
    indices = schedule.indices(1)
    clean, noisy, again, other = (
        plain.take(indices, 1)[0],
        *(schedule.take(indices, number)[0] for number in (1, 1, 2)),
    )
    struck = noisy != clean
    # A pixel half-way between background and ink would stay; there are next to none.
    assert struck.float().mean().item() == pytest.approx(0.1, abs=0.005)
    torch.testing.assert_close((noisy + clean)[struck], torch.full_like(clean, 1.075)[struck])
    assert torch.equal(noisy, again)
    assert not torch.equal(noisy, other)
    assert torch.equal(schedule.test_images, plain.test_images)


def test_noise_depends_on_the_place_in_the_pass_alone(data, monkeypatch):
    """Neither on how many passes there are nor on how many patterns are taken at once."""
    schedule = Schedule(small("original", "noise=0.1"), 0, data)
    indices = schedule.indices(2)
    whole = schedule.take(indices, 2)[0]
    parts = [schedule.take(indices[at : at + 7], 2, at)[0] for at in range(0, len(indices), 7)]
    assert torch.equal(torch.cat(parts), whole)
    short, long = (
        train(small("original", "noise=0.1", f"passes={passes}"), data) for passes in (1, 2)
    )
    monkeypatch.setattr(training, "BLOCK", 9)
    blocks = train(small("original", "noise=0.1", "passes=1"), data)
    for other in (long, blocks):
        assert other.per_pass[0]["loss"] == short.per_pass[0]["loss"]


def test_the_curvatures_patterns_have_noise_of_their_own(data):
    schedule = Schedule(small("original", "noise=0.1"), 0, data)
    chosen = schedule.curvature_indices(1)
    learnt, measured = (
        schedule.take(chosen, 1, curvature=curvature)[0] for curvature in (False, True)
    )
    assert not torch.equal(learnt, measured)


FLANKED = ("blank=space", "flanks=true", "blank_share=0.3")


@pytest.mark.parametrize("others", [(), ("distortions=true",), ("held_out=200",)], ids=str)
def test_a_flanked_digit_is_itself_with_others_of_what_is_learnt_beside_it(data, others):
    schedule = Schedule(small("original", *FLANKED, *others), 0, data)
    plain = Schedule(small("original", *others), 0, data)
    indices = schedule.indices(1)
    np.testing.assert_array_equal(indices, plain.indices(1))
    images, labels = schedule.take(indices, 1)
    alone, truth = plain.take(indices, 1)
    blank = labels == 10
    assert 0.2 < blank.float().mean() < 0.4
    assert torch.equal(labels[~blank], truth[~blank])
    # Darker ink may cover the centre digit, never lighter.
    assert (images[~blank] >= alone[~blank]).all()
    assert (images != alone).flatten(1).any(1).all()
    drawn = flanks.draw(len(indices), len(schedule.order), 0.3, stream(0, "flanks", 1))
    left, _ = plain._stored(schedule.order[drawn.left])
    right, _ = plain._stored(schedule.order[drawn.right])
    expected = flanks.flank(plain._stored(indices)[0], left, right, drawn, 32)
    assert torch.equal(images, prepare(expected, 32))
    # What a run is tested on is the same whatever it learns from.
    assert torch.equal(schedule.test_images, plain.test_images)


def test_flanks_depend_on_seed_pass_and_place_alone(data):
    recipe = small("strings")
    schedule = Schedule(recipe, 0, data)
    indices = schedule.indices(2)
    images, labels = schedule.take(indices, 2)
    parts = [schedule.take(indices[at : at + 7], 2, at) for at in range(0, len(indices), 7)]
    assert torch.equal(torch.cat([part for part, _ in parts]), images)
    assert torch.equal(torch.cat([part for _, part in parts]), labels)
    calm = recipe.changed(noise=0.0)
    ways = {
        "again": (Schedule(calm, 0, data), 2, False),
        "pass": (Schedule(calm, 0, data), 3, False),
        "seed": (Schedule(calm, 1, data), 2, False),
        "curvature": (Schedule(calm, 0, data), 2, True),
    }
    first = ways["again"][0].take(indices, 2)[0]
    for name, (other, number, curvature) in ways.items():
        taken = other.take(indices, number, curvature=curvature)[0]
        assert torch.equal(taken, first) == (name == "again")


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_a_net_that_reads_strings_is_trained(data, engine):
    record = train(small("strings"), data, engine=engine)
    assert record.status == "finished"
    assert record.layers[-1]["maps"] == 11
    assert record.predictions.max() <= 10


def test_a_share_of_blanks_needs_flanks_and_a_blank_class():
    for switches in (["blank=space"], ["flanks=true"]):
        with pytest.raises(BadInput, match=r"^blank_share=0.5 needs flanks=true and blank=space"):
            small("original", "blank_share=0.5", *switches)


def test_runs_share_the_prepared_test_set(data):
    one, other = (Schedule(small("original"), seed, data) for seed in (0, 1))
    assert one.test_images is other.test_images
    assert torch.equal(one.test_images, prepare(data.test_images))
    images, labels = one.take(one.indices(1), 1)
    assert torch.equal(images, prepare(data.train_images[one.indices(1)]))
    assert np.array_equal(labels, data.train_labels[one.indices(1)])
