"""The fast test of content says yes to nothing that jsonschema refuses."""

import copy
import json
import math
import random
from pathlib import Path

import pytest

from experiments import schemas
from lenet1998 import schema
from lenet1998.errors import BadInput
from lenet1998.schema import Schema, list_of, object_of, or_null

RESULTS = Path(__file__).parents[1] / "experiments" / "results"
RECORD = next((RESULTS / "headline").rglob("record.json"))
SAMPLES = {
    "record": (schema.RECORD, RECORD),
    "answers": (schemas.ANSWERS, RESULTS / "answers.json"),
    "fig7": (schemas.FIG7, RESULTS / "fig7.json"),
    "benchmark": (schemas.BENCHMARK, RESULTS / "benchmark.json"),
    "search": (schemas.SEARCH, RESULTS / "search.json"),
}
ODD = [None, True, False, 0, 1, -1, 0.5, 1.0, 101, 1e9, math.nan, "", "text", [], [0], {}, {"a": 1}]


def damaged(content, chance: random.Random):
    """A copy with one odd value, or one key or item fewer or more, somewhere in it."""
    root = here = copy.deepcopy(content)
    while True:
        places = list(here) if isinstance(here, dict) else range(len(here))
        place = chance.choice(list(places))
        inner = here[place]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            here = inner
            continue
        kind = chance.randrange(4)
        if kind == 0:
            del here[place]
        elif kind == 1 and isinstance(here, dict):
            here["added"] = chance.choice(ODD)
        elif kind == 1:
            here.append(chance.choice(ODD))
        else:
            here[place] = chance.choice(ODD)
        return root


@pytest.mark.parametrize("name", SAMPLES)
def test_what_the_fast_test_takes_jsonschema_takes(name):
    judge, file = SAMPLES[name]
    content, chance = json.loads(file.read_bytes()), random.Random(1998)
    # Judging a large file takes jsonschema a while, and the large ones are made of like parts.
    taken = [judge.is_valid(one) for one in _taken(judge, content, chance)]
    assert all(taken)


def _taken(judge, content, chance):
    tries = 400 if len(json.dumps(content)) < 30_000 else 60
    return [one for _ in range(tries) if schema._plainly(judge)(one := damaged(content, chance))]


SMALL = Schema(
    object_of(
        {
            "few": list_of({"type": "integer", "minimum": 1}, 1, 2),
            "maybe": or_null({"type": "number", "minimum": 0, "maximum": 1}),
            "one of": {"enum": ["a", "b"]},
            "closed": {"type": "object", "additionalProperties": False, "properties": {"x": {}}},
            "open": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {"type": "null"},
            },
            "either": {"type": ["integer", "null"], "minimum": 1},
            "any": {"minimum": 1, "minItems": 1, "required": ["a"]},
        },
        flag={"type": "boolean"},
    )
)
GOOD = {"flag": True, "few": [1, 2], "maybe": 0.5, "one of": "a", "closed": {"x": 1}} | {
    "open": {"y": None},
    "either": None,
    "any": 2,
}


def test_every_keyword_is_judged_as_jsonschema_judges_it():
    chance = random.Random(1998)
    judged = [(schema._plainly(SMALL)(one), SMALL.is_valid(one)) for one in [GOOD, *ODD]]
    for _ in range(3000):
        one = damaged(GOOD, chance)
        judged.append((schema._plainly(SMALL)(one), SMALL.is_valid(one)))
    assert judged[0] == (True, True)
    assert all(valid for plain, valid in judged if plain)
    assert {(True, True), (False, False)} <= set(judged)


def test_an_unknown_keyword_is_left_to_jsonschema():
    known = Schema({"type": "array", "uniqueItems": True})
    assert not schema._plainly(known)([1])
    schema.check([1], known, Path("file"))
    with pytest.raises(BadInput, match="uniqueItems"):
        schema.check([1, 1], known, Path("file"))


def test_committed_records_need_no_more_than_the_fast_test():
    # Else the report's check takes as long as it once did, and nothing else tells.
    assert schema._plainly(schema.RECORD)(json.loads(RECORD.read_bytes()))


def test_what_json_cannot_hold_is_refused_of_a_file_too(tmp_path):
    file = tmp_path / "content.json"
    file.write_text('{"flag": true, "any": 1e999}')
    with pytest.raises(BadInput, match="not finite"):
        schema.read(file, SMALL)
