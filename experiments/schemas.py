"""Schemas of the results' JSON files, which :mod:`.sources` reads them by."""

from lenet1998.schema import (
    AMOUNT,
    COUNT,
    NUMBER,
    PERCENT,
    SHARE,
    SOME,
    TEXT,
    VERSIONS,
    Schema,
    list_of,
    object_of,
    or_null,
    pair_of,
)

AXES = ("scale", "shift", "rotation", "inverted")
_PERCENTS = {axis: list_of(PERCENT, 1) for axis in AXES}
_NETS = list_of(object_of(seed=COUNT, rejected_percent=PERCENT, **_PERCENTS), 1)
REJECTION_INVARIANCE = Schema(
    object_of(
        axes=object_of(**{axis: list_of(NUMBER, 1) for axis in AXES}),
        patterns=SOME,
        nets={"type": "object", "minProperties": 1, "additionalProperties": _NETS},
    )
)
ANSWERS = Schema(
    object_of(
        by_class=list_of(list_of(PERCENT, 10, 10), 1),
        mcnemar=list_of(
            object_of(
                variants=pair_of(TEXT), seed=COUNT, only_first=COUNT, only_second=COUNT, p=SHARE
            ),
            1,
        ),
        alike=list_of(object_of(variant=TEXT, seed=COUNT, dice=SHARE), 1),
    )
)

DRAWS = ("shift_x", "shift_y", "shrink", "squeeze", "shear")
POINTS = ("fixed_x", "fixed_y", "sheared_about")
_DRAWN = object_of(**dict.fromkeys(DRAWS, NUMBER))
FIG7 = Schema(
    object_of(
        parameters=list_of(
            object_of(
                name={"enum": list(DRAWS)},
                range=pair_of(NUMBER),
                low=pair_of(NUMBER),
                high=pair_of(NUMBER),
                p_uniform=SHARE,
            ),
            1,
        ),
        points={
            "type": "object",
            "additionalProperties": False,
            "properties": dict.fromkeys(POINTS, object_of(used=NUMBER, interval=pair_of(NUMBER))),
        },
        compositions=list_of(object_of(what=TEXT, way=TEXT, log_likelihood=NUMBER)),
        correlations=list_of(object_of(pair=pair_of(TEXT), rho=NUMBER, p=SHARE), 1),
        least_moved_pixels=AMOUNT,
        simulation=object_of(
            left_over=object_of(seen=AMOUNT, simulated=pair_of(AMOUNT)),
            draw_errors=_DRAWN,
            vertical_shear=object_of(seen=NUMBER, if_there_is_none=pair_of(NUMBER), p=SHARE),
        ),
        digits=list_of(object_of(rms=AMOUNT, ink_lost=NUMBER, drawn=_DRAWN), 1),
    )
)
_CORE = {
    **object_of(
        {
            "core": TEXT,
            "vector_instructions": list_of({"enum": ["avx2", "avx512f"]}),
            "arithmetic": or_null(SOME),
        },
        versions=VERSIONS,
        processor=TEXT,
        cores=SOME,
    ),
    "dependentRequired": {"core": ["vector_instructions"]},
}
_BENCHMARK = object_of(
    {
        "load_average": or_null(AMOUNT),
        "reading": object_of(eager_us=AMOUNT, compiled_us=AMOUNT, times_eager=AMOUNT),
    },
    engines=list_of(
        object_of(
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
    two_at_once=or_null(AMOUNT),
    whole_run=or_null(object_of(passes=SOME, wall_s=AMOUNT, cpu_s=AMOUNT, peak_memory_gb=AMOUNT)),
    gpu=or_null(object_of({"device": TEXT}, runs=SOME, patterns_per_second=AMOUNT)),
    dataset=TEXT,
    environment=_CORE,
)
BENCHMARK = Schema(_BENCHMARK)
BENCHMARKS = Schema(object_of(machines=list_of(_BENCHMARK)))
_RIVAL = object_of(rival=TEXT, us=AMOUNT, fastest_us=AMOUNT, times_ours=AMOUNT, loss=NUMBER)
RIVALS = Schema(
    object_of(
        recipes=object_of(original=list_of(_RIVAL, 1), modern=list_of(_RIVAL, 1)),
        batch_size=SOME,
        rounds=SOME,
        load_average=or_null(AMOUNT),
        environment=_CORE,
    )
)


def _array(*shape: int) -> dict:
    """Numbers in lists in lists."""
    items = NUMBER
    for length in reversed(shape):
        items = list_of(items, length, length)
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
_BY_LAYER = object_of(**dict.fromkeys(_RESTORED, AMOUNT))
_SQUASHINGS = ("scaled tanh", "none", "logistic")
_PRIOR = object_of(c1=list_of(AMOUNT, 6, 6), c3=list_of(AMOUNT, 60, 60))
FIG6 = Schema(object_of(runs=list_of(object_of(recipe=TEXT, seed=COUNT, percent=PERCENT), 1)))
ABLATIONS = Schema(
    object_of(
        nets=list_of(
            object_of(
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
_SIZES = {"type": "object", "minProperties": 1, "additionalProperties": AMOUNT}
_RANGES = {"type": "object", "additionalProperties": pair_of(AMOUNT)}
_NETS = {
    "net_1998": _SIZES,
    "nets": list_of(object_of(recipe=TEXT, seed=COUNT, sizes=_SIZES)),
    "rates": list_of(object_of(recipe=TEXT, seed=COUNT, layers=_RANGES)),
    "fig13": list_of(object_of(recipe=TEXT, seed=COUNT, read=COUNT)),
}
SEARCH = Schema(object_of(_NETS))
LICENCES = Schema(object_of(_NETS))
RESTORATION = Schema(
    object_of(
        limit=AMOUNT,
        weights=object_of(**_WEIGHTS),
        weights_of_ours=object_of(**_WEIGHTS),
        bootstrap=object_of(draws=SOME, **_WEIGHTS),
        layers=object_of(
            **dict.fromkeys(
                _RESTORED,
                object_of(rms=AMOUNT, median=AMOUNT, open=AMOUNT, states=SOME, at_limit=SHARE),
            )
        ),
        table_one=list_of(
            object_of(
                map=COUNT,
                norms=list_of(AMOUNT, 6, 6),
                connected=list_of(COUNT, 3, 6),
                at_limit=SHARE,
            ),
            16,
            16,
        ),
        squashings=object_of(
            s2=object_of(**dict.fromkeys(_SQUASHINGS, list_of(AMOUNT, 6, 6))),
            s4=object_of(**dict.fromkeys(_SQUASHINGS, list_of(AMOUNT, 16, 16))),
        ),
        window_weights=_array(6, 4),
        fig25=object_of(
            **dict.fromkeys(
                ("c1", "c3"), object_of(rms=AMOUNT, open=AMOUNT, correlation=NUMBER, states=SOME)
            )
        ),
        prior=object_of(**dict.fromkeys(("0.33", "3"), _PRIOR)),
        held_out=list_of(_BY_LAYER, 1),
        ours=list_of(
            object_of(
                seed=COUNT,
                rms=_BY_LAYER,
                at_limit=_BY_LAYER,
                relative=object_of(**dict.fromkeys(_RESTORED, list_of(AMOUNT, 6, 60))),
            ),
            1,
        ),
    )
)
_DIGIT = {**COUNT, "maximum": 9}
_NEARNESS = object_of(rms=AMOUNT, correlation=NUMBER)
_OF_FIGURES = object_of({"fig26": _NEARNESS}, fig13=_NEARNESS, fig25=_NEARNESS)
FEATURES = Schema(
    object_of(
        patterns=SOME,
        sizes_1998=_SIZES,
        of_1998=object_of(
            fig13=list_of(_DIGIT, 9, 9),
            strings=list_of(
                object_of(
                    answer=TEXT,
                    nearest=list_of(_DIGIT, 9, 9),
                    digits=list_of({**COUNT, "maximum": 8}, 1, 9),
                ),
                5,
                5,
            ),
        ),
        nets={
            "type": "object",
            "minProperties": 1,
            "additionalProperties": list_of(
                object_of(
                    seed=COUNT,
                    test_errors=COUNT,
                    noisy_errors=COUNT,
                    answers=list_of({**COUNT, "maximum": 10}, 54, 54),
                    c5=or_null(_OF_FIGURES),
                    f6=or_null(_OF_FIGURES),
                    sizes=or_null(_SIZES),
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
READING_WAYS = ("segmented", "contiguous", "repeats", "chosen")
_READ = object_of(right_percent=list_of(PERCENT, 1), digit_error_percent=list_of(AMOUNT, 1))
_STRING_NETS = ["strings", "strings,distortions=true"]
_AT_POSITIONS = object_of(
    net={"enum": _STRING_NETS},
    seed=COUNT,
    classes=list_of({**COUNT, "maximum": 10}, 9, 9),
    contiguous=TEXT,
    repeats=TEXT,
)
READ_STRINGS = Schema(
    object_of(
        strings=SOME,
        lengths=pair_of(SOME),
        usual=object_of(**dict.fromkeys(STRING_AXES, NUMBER)),
        axes=object_of(**dict.fromkeys(STRING_AXES, list_of(NUMBER, 1))),
        measured=list_of(
            object_of(
                {"rubbish_j": NUMBER},  # where no character is the rubbish class
                net={"enum": [*_STRING_NETS, "original", "noise", "modern"]},
                way={"enum": list(READING_WAYS)},
                seed=COUNT,
                **dict.fromkeys(STRING_AXES, _READ),
            ),
            1,
        ),
        published=list_of(object_of(answer=TEXT, nets=list_of(_AT_POSITIONS, 1)), 5, 5),
        speed=object_of(
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
BLANK_SHARE = Schema(
    object_of(
        strings=SOME,
        nets=list_of(
            object_of(
                blank_share=SHARE,
                seed=COUNT,
                held_out_errors=COUNT,
                right_percent=PERCENT,
                digit_error_percent=AMOUNT,
            )
        ),
    )
)
_TRIALS = {
    "type": "object",
    "additionalProperties": object_of(
        {"refused": COUNT}, tried=SOME, stopped=COUNT, identical=COUNT, failures=list_of(TEXT)
    ),
}
_DAMAGED = {
    "type": "object",
    "additionalProperties": object_of(accepted=COUNT, refused=COUNT, escaped=list_of(TEXT)),
}
_MATRIX = {"type": "object", "additionalProperties": object_of(cases=SOME, failures=list_of(TEXT))}
FAULTS = Schema(object_of(runs=_TRIALS, files=_DAMAGED, flags=_MATRIX))

_AGREEMENT = object_of(correlation=NUMBER, median_factor=AMOUNT, factor_of_95_percent=AMOUNT)
_PAIRS_OF_DRAWS = ("500 and 500", "50 and 5,000", "500 and 5,000")
_CURVATURES = list_of(
    object_of(seed=COUNT, least_h=NUMBER, **dict.fromkeys(_PAIRS_OF_DRAWS, _AGREEMENT)), 1
)
_WEIGHT_NORMS = object_of(**dict.fromkeys(("c1", "s2", "c3", "s4", "c5", "f6", "all"), AMOUNT))
_TIMES = object_of(estimate=AMOUNT, **{"pass": AMOUNT})
CLAIMS = Schema(
    object_of(
        data=object_of(
            patterns=SOME,
            mean=NUMBER,
            variance=AMOUNT,
            within_digit_size=COUNT,
            centred_to_a_pixel=COUNT,
        ),
        curvature=object_of(
            untrained=_CURVATURES,
            trained=_CURVATURES,
            cpu_seconds=object_of(compiled=_TIMES, eager=_TIMES),
        ),
        norms=list_of(list_of(_WEIGHT_NORMS, 4, 4), 1),
        subsampling=list_of(
            list_of(
                object_of(
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
        rejected_percent=list_of(
            object_of(**dict.fromkeys(("between two digits", "half a digit", "noise"), PERCENT)),
            1,
        ),
    )
)
