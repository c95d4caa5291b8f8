"""What JSON from elsewhere must hold, as data, and the one reader of it. Imports no torch.

Whoever gets content from here can rely on it: it is bounded in size and depth, its texts can be
printed, its numbers are finite, and every key that the project reads is there with a value of the
right kind. More keys than those are left as they are.
"""

import json
import math
import reprlib
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from lenet1998.errors import BadInput

MAX_BYTES, MAX_DEPTH, MAX_TEXT, MAX_NUMBER = 8 * 2**20, 20, 1000, 2**53


def _is_integer(_, value) -> bool:
    """JSON Schema takes 1.0 for an integer, but ``range`` does not."""
    return isinstance(value, int) and not isinstance(value, bool)


_types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
Schema = extend(Draft202012Validator, type_checker=_types)


def _object(optional: dict | None = None, **required: dict) -> dict:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required)}


def _list(items: dict, at_least: int = 0, at_most: int | None = None) -> dict:
    limits = {} if at_most is None else {"maxItems": at_most}
    return {"type": "array", "items": items, "minItems": at_least, **limits}


def _pair(items: dict) -> dict:
    return _list(items, 2, 2)


def _or_null(schema: dict) -> dict:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
COUNT, SOME = {"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}
AMOUNT = {"type": "number", "minimum": 0}
PERCENT, SHARE = {**AMOUNT, "maximum": 100}, {**AMOUNT, "maximum": 1}

_RECIPE = {
    # What reports read; the other switches and their values are for Recipe to judge.
    **_object(
        {"held_out": COUNT, "blank": TEXT},
        name=TEXT,
        pooling=TEXT,
        loss=TEXT,
        optimizer=TEXT,
        eta={"type": ["number", "string"]},
        momentum=AMOUNT,
        passes=SOME,
        train_size={"type": ["integer", "null"], "minimum": 1},
        distortions=FLAG,
    ),
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
_DATASET = _object(name=TEXT, checksum=TEXT, train_patterns=SOME, test_patterns=SOME)
_PER_PASS = _list(
    _object(
        **{"pass": SOME},
        loss=NUMBER,
        train_error_percent=PERCENT,
        test_error_percent=PERCENT,
        test_errors=COUNT,
        rate_min=AMOUNT,
        rate_max=AMOUNT,
        seconds=AMOUNT,
    )
)
_RUN = {"recipe": _RECIPE, "seed": COUNT, "dataset": _DATASET}
_VERSIONS = {"type": "object", "additionalProperties": TEXT}

RECIPE = Schema(_RECIPE)
"""A recipe in full, as it travels with weights."""
RECORD = Schema(
    _object(
        **_RUN,
        schema=SOME,
        status={"enum": ["finished", "diverged"]},
        per_pass=_PER_PASS,
        layers=_list(
            _object(name=TEXT, maps=SOME, size=SOME, parameters=COUNT, connections=COUNT), 1, 100
        ),
        environment=_object({"versions": _VERSIONS}, engine=TEXT, device=TEXT, processor=TEXT),
        parameters=COUNT,
        connections=COUNT,
    )
)
"""``record.json``."""
CHECKPOINT = Schema(_object(run=_object(**_RUN), per_pass=_PER_PASS, engine=TEXT))
"""What a checkpoint holds beside tensors."""

AXES = ("scale", "shift", "rotation", "inverted")
_PERCENTS = {axis: _list(PERCENT, 1) for axis in AXES}
_NETS = _list(_object(seed=COUNT, rejected_percent=PERCENT, **_PERCENTS), 1)
REJECTION_INVARIANCE = Schema(
    _object(
        axes=_object(**{axis: _list(NUMBER, 1) for axis in AXES}),
        patterns=SOME,
        nets={"type": "object", "minProperties": 1, "additionalProperties": _NETS},
    )
)
ANSWERS = Schema(
    _object(
        by_class=_list(_list(PERCENT, 10, 10), 1),
        mcnemar=_list(
            _object(variants=_pair(TEXT), seed=COUNT, only_first=COUNT, only_second=COUNT, p=SHARE),
            1,
        ),
    )
)

DRAWS = ("shift_x", "shift_y", "shrink", "squeeze", "shear")
POINTS = ("fixed_x", "fixed_y", "sheared_about")
_DRAWN = _object(**dict.fromkeys(DRAWS, NUMBER))
FIG7 = Schema(
    _object(
        parameters=_list(
            _object(
                name={"enum": list(DRAWS)},
                range=_pair(NUMBER),
                low=_pair(NUMBER),
                high=_pair(NUMBER),
                p_uniform=SHARE,
            ),
            1,
        ),
        points={
            "type": "object",
            "additionalProperties": False,
            "properties": dict.fromkeys(POINTS, _object(used=NUMBER, interval=_pair(NUMBER))),
        },
        compositions=_list(_object(what=TEXT, way=TEXT, log_likelihood=NUMBER)),
        correlations=_list(_object(pair=_pair(TEXT), rho=NUMBER, p=SHARE), 1),
        least_moved_pixels=AMOUNT,
        simulation=_object(
            left_over=_object(seen=AMOUNT, simulated=_pair(AMOUNT)),
            draw_errors=_DRAWN,
            vertical_shear=_object(seen=NUMBER, if_there_is_none=_pair(NUMBER), p=SHARE),
        ),
        digits=_list(_object(rms=AMOUNT, ink_lost=NUMBER, drawn=_DRAWN), 1),
    )
)
BENCHMARK = Schema(
    _object(
        {"load_average": _or_null(AMOUNT)},
        engines=_list(
            _object(
                {"fastest_cpu_us": AMOUNT},
                engine=TEXT,
                wall_us=AMOUNT,
                cpu_us=AMOUNT,
                times_eager=AMOUNT,
            ),
            1,
        ),
        rounds=SOME,
        multiply_accumulates=SOME,
        peak_multiply_accumulates_per_us=AMOUNT,
        floor_us=AMOUNT,
        compile_first_s=AMOUNT,
        compile_again_s=AMOUNT,
        two_at_once=_or_null(AMOUNT),
        whole_run=_or_null(
            _object(passes=SOME, wall_s=AMOUNT, cpu_s=AMOUNT, peak_memory_gb=AMOUNT)
        ),
        gpu=_or_null(_object(runs=SOME, patterns_per_second=AMOUNT)),
        dataset=TEXT,
        environment={
            **_object(
                {"core": TEXT, "vector_instructions": _list({"enum": ["avx2", "avx512f"]})},
                versions=_VERSIONS,
                processor=TEXT,
                cores=SOME,
            ),
            "dependentRequired": {"core": ["vector_instructions"]},
        },
    )
)


def _array(*shape: int) -> dict:
    """Numbers in lists in lists."""
    items = NUMBER
    for length in reversed(shape):
        items = _list(items, length, length)
    return items


_WEIGHTS = {
    "c1.weight": _array(6, 1, 5, 5),
    "c1.bias": _array(6),
    "s2.weight": _array(6),
    "s2.bias": _array(6),
    "c3.weight": _array(60, 5, 5),
    "c3.bias": _array(16),
    "s4.weight": _array(16),
    "s4.bias": _array(16),
}
_RESTORED = ("c1", "s2", "c3", "s4")
_BY_LAYER = _object(**dict.fromkeys(_RESTORED, AMOUNT))
_SQUASHINGS = ("scaled tanh", "none", "logistic")
_PRIOR = _object(c1=_list(AMOUNT, 6, 6), c3=_list(AMOUNT, 60, 60))
FIG6 = Schema(_object(runs=_list(_object(recipe=TEXT, seed=COUNT, percent=PERCENT), 1)))
ABLATIONS = Schema(
    _object(
        nets=_list(
            _object(
                recipe=TEXT,
                seed=COUNT,
                rejection={"type": "object", "additionalProperties": SHARE},
                rejected=PERCENT,
                invariance={"type": "object", "additionalProperties": PERCENT},
                noise=PERCENT,
                alikeness=SHARE,
            )
        )
    )
)
_TRIAL = _object(
    stage=SOME,
    recipe=TEXT,
    switches={
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    },
    seed=COUNT,
    status={"enum": ["finished", "diverged"]},
    train=_list(PERCENT),
    test=_list(PERCENT),
    rates=_pair(AMOUNT),
    seconds=AMOUNT,
)
_SIZES = {"type": "object", "minProperties": 1, "additionalProperties": AMOUNT}
_RANGES = {"type": "object", "additionalProperties": _pair(AMOUNT)}
SEARCH = Schema(
    _object(
        {
            "net_1998": _SIZES,
            "nets": _list(_object(recipe=TEXT, seed=COUNT, sizes=_SIZES)),
            "rates": _list(_object(recipe=TEXT, seed=COUNT, layers=_RANGES)),
        },
        runs=_list(_TRIAL),
    )
)

RESTORATION = Schema(
    _object(
        limit=AMOUNT,
        weights=_object(**_WEIGHTS),
        weights_of_ours=_object(**_WEIGHTS),
        bootstrap=_object(draws=SOME, **_WEIGHTS),
        layers=_object(
            **dict.fromkeys(
                _RESTORED,
                _object(rms=AMOUNT, median=AMOUNT, open=AMOUNT, states=SOME, at_limit=SHARE),
            )
        ),
        table_one=_list(
            _object(
                map=COUNT, norms=_list(AMOUNT, 6, 6), connected=_list(COUNT, 3, 6), at_limit=SHARE
            ),
            16,
            16,
        ),
        squashings=_object(
            s2=_object(**dict.fromkeys(_SQUASHINGS, _list(AMOUNT, 6, 6))),
            s4=_object(**dict.fromkeys(_SQUASHINGS, _list(AMOUNT, 16, 16))),
        ),
        window_weights=_array(6, 4),
        fig25=_object(
            **dict.fromkeys(
                ("c1", "c3"), _object(rms=AMOUNT, open=AMOUNT, correlation=NUMBER, states=SOME)
            )
        ),
        prior=_object(**dict.fromkeys(("0.33", "3"), _PRIOR)),
        held_out=_list(_BY_LAYER, 1),
        ours=_list(
            _object(
                seed=COUNT,
                rms=_BY_LAYER,
                at_limit=_BY_LAYER,
                relative=_object(**dict.fromkeys(_RESTORED, _list(AMOUNT, 6, 60))),
            ),
            1,
        ),
    )
)
_DIGIT = {**COUNT, "maximum": 9}
_NEARNESS = _object(rms=AMOUNT, correlation=NUMBER)
_OF_FIGURES = _object({"fig26": _NEARNESS}, fig13=_NEARNESS, fig25=_NEARNESS)
FEATURES = Schema(
    _object(
        patterns=SOME,
        sizes_1998=_SIZES,
        of_1998=_object(
            fig13=_list(_DIGIT, 9, 9),
            strings=_list(
                _object(
                    answer=TEXT,
                    nearest=_list(_DIGIT, 9, 9),
                    digits=_list({**COUNT, "maximum": 8}, 1, 9),
                ),
                5,
                5,
            ),
        ),
        nets={
            "type": "object",
            "minProperties": 1,
            "additionalProperties": _list(
                _object(
                    seed=COUNT,
                    test_errors=COUNT,
                    noisy_errors=COUNT,
                    answers=_list({**COUNT, "maximum": 10}, 54, 54),
                    c5=_or_null(_OF_FIGURES),
                    f6=_or_null(_OF_FIGURES),
                    sizes=_or_null(_SIZES),
                ),
                1,
            ),
        },
        f6_states={
            "type": "object",
            "minProperties": 1,
            "additionalProperties": _array(9, 84),
        },
    )
)
STRING_AXES = ("gap", "noise", "shift", "scale")
READING_WAYS = ("segmented", "contiguous", "repeats")
_READ = _object(right_percent=_list(PERCENT, 1), digit_error_percent=_list(AMOUNT, 1))
_NET = {"enum": ["original", "strings", "strings,distortions=true"]}
_AT_POSITIONS = _object(
    net=_NET,
    seed=COUNT,
    classes=_list({**COUNT, "maximum": 10}, 9, 9),
    contiguous=TEXT,
    repeats=TEXT,
)
READ_STRINGS = Schema(
    _object(
        strings=SOME,
        lengths=_pair(SOME),
        usual=_object(**dict.fromkeys(STRING_AXES, NUMBER)),
        axes=_object(**dict.fromkeys(STRING_AXES, _list(NUMBER, 1))),
        measured=_list(
            _object(
                net=_NET,
                way={"enum": list(READING_WAYS)},
                seed=COUNT,
                **dict.fromkeys(STRING_AXES, _READ),
            ),
            1,
        ),
        published=_list(_object(answer=TEXT, nets=_list(_AT_POSITIONS, 1)), 5, 5),
        speed=_object(
            width=SOME,
            rounds=SOME,
            positions=SOME,
            replicated_multiply_accumulates=SOME,
            swept_multiply_accumulates=SOME,
            replicated_ms=AMOUNT,
            swept_together_ms=AMOUNT,
            swept_one_by_one_ms=AMOUNT,
            decoding_ms=AMOUNT,
        ),
        processor=TEXT,
    )
)
_TRIALS = {
    "type": "object",
    "additionalProperties": _object(
        {"refused": COUNT}, tried=SOME, stopped=COUNT, identical=COUNT, failures=_list(TEXT)
    ),
}
_DAMAGED = {
    "type": "object",
    "additionalProperties": _object(accepted=COUNT, refused=COUNT, escaped=_list(TEXT)),
}
_MATRIX = {"type": "object", "additionalProperties": _object(cases=SOME, failures=_list(TEXT))}
FAULTS = Schema(_object(runs=_TRIALS, files=_DAMAGED, flags=_MATRIX))

_AGREEMENT = _object(correlation=NUMBER, median_factor=AMOUNT, factor_of_95_percent=AMOUNT)
_PAIRS_OF_DRAWS = ("500 and 500", "50 and 5,000", "500 and 5,000")
_CURVATURES = _list(
    _object(seed=COUNT, least_h=NUMBER, **dict.fromkeys(_PAIRS_OF_DRAWS, _AGREEMENT)), 1
)
_WEIGHT_NORMS = _object(**dict.fromkeys(("c1", "s2", "c3", "s4", "c5", "f6", "all"), AMOUNT))
CLAIMS = Schema(
    _object(
        data=_object(
            patterns=SOME,
            mean=NUMBER,
            variance=AMOUNT,
            within_digit_size=COUNT,
            centred_to_a_pixel=COUNT,
        ),
        curvature=_object(
            untrained=_CURVATURES,
            trained=_CURVATURES,
            cpu_seconds=_object(estimate=AMOUNT, compiled=AMOUNT, eager=AMOUNT),
        ),
        norms=_list(_list(_WEIGHT_NORMS, 4, 4), 1),
        subsampling=_list(
            _list(
                _object(
                    layer={"enum": ["s2", "s4"]},
                    coefficient=NUMBER,
                    bias=NUMBER,
                    bent=NUMBER,
                    saturated=SHARE,
                ),
                22,
                22,
            ),
            1,
        ),
        rejected_percent=_list(
            _object(**dict.fromkeys(("between two digits", "half a digit", "noise"), PERCENT)),
            1,
        ),
    )
)


def read(file: Path, schema: Validator):
    """The content of a JSON file.

    Raises:
        BadInput: no such file, too large a one, no JSON, or not what the schema asks for.
    """
    content = parse(file)
    check(content, schema, file)
    return content


def parse(file: Path):
    """The content of a JSON file of whatever schema, with all of :func:`read`'s other checks."""
    return parse_text(read_bytes(file, MAX_BYTES), file)


def read_bytes(file: Path, limit: int) -> bytes:
    """What a file holds, if it is an ordinary file that does not hold more than the limit.

    Raises:
        BadInput: anything else.
    """
    try:
        if not file.is_file():
            raise BadInput(f"{file}: is missing" if not file.exists() else f"{file}: is no file")
        with file.open("rb") as opened:
            # Not read(limit + 1), which would allocate as much whatever the file holds.
            content = opened.read(min(limit, file.stat().st_size) + 1)
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror or error})") from None
    if len(content) > limit:
        raise BadInput(f"{file}: is larger than {limit:,} bytes, so it is no such file")
    return content


def parse_text(text: str | bytes, source: Path):
    """The content of JSON in UTF-8.

    Raises:
        BadInput: something else; the message begins with the source.
    """
    try:
        text = text if isinstance(text, str) else text.decode()
        content = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise BadInput(f"{source}: no readable JSON (nested too deeply)") from None
    except ValueError as error:
        raise BadInput(f"{source}: no readable JSON ({in_short(error)})") from None
    if fault := _fault(content):
        raise BadInput(f"{source}: holds {fault}")
    return content


def _no_constant(name: str):
    raise ValueError(f"{name} is no number")


def check(content, schema: Validator, source: Path) -> None:
    """Refuse what a schema does not allow, or what JSON cannot hold.

    Raises:
        BadInput: with the first thing that is wrong; the message begins with the source.
    """
    if fault := _fault(content):
        raise BadInput(f"{source}: holds {fault}")
    error = next(schema.iter_errors(content), None)
    if error is None:
        return
    where = error.json_path.removeprefix("$").removeprefix(".")
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        fault = " ".join(filter(None, (where, f"has no '{missing}'")))
    else:
        rule = f"{error.validator} {reprlib.repr(error.validator_value)}"
        fault = f"{where or 'all of it'} is {reprlib.repr(error.instance)}, against {rule}"
    raise BadInput(f"{source}: {in_short(fault)}")


def _fault(content) -> str | None:
    """What makes content unfit to be worked with, whatever it stands for."""
    pending = [(content, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            return f"more than {MAX_DEPTH} levels"
        kind = type(value)
        if kind in (dict, list):
            inner = [*value, *value.values()] if kind is dict else value
            pending += ((part, depth + 1) for part in inner)
        elif kind is str:
            if len(value) > MAX_TEXT or not value.isprintable():
                return f"a text that is longer than {MAX_TEXT:,} or cannot be printed"
        elif kind is float:
            if not math.isfinite(value):
                return "a number that is not finite"
        elif kind is int:
            if abs(value) > MAX_NUMBER:
                return "a whole number beyond 2^53"
        elif kind is not bool and value is not None:
            return f"a {kind.__name__}"
    return None


def in_short(reason: object) -> str:
    """A reason from elsewhere as part of one line: printable, and of at most 200 characters."""
    words = " ".join(str(reason).split())
    words = "".join(letter if letter.isprintable() else "?" for letter in words)
    return words if len(words) <= 200 else f"{words[:199]}\N{HORIZONTAL ELLIPSIS}"
