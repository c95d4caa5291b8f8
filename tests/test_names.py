"""Names of recipes: written and read back."""

import pytest

from lenet1998 import names
from lenet1998.errors import BadInput


def test_what_is_joined_is_split_again():
    name = names.join("a-b", {"eta": 1e-5, "distortions": True, "train_size": None, "c3": "dense"})
    assert name == "a-b,eta=1e-05,distortions=true,train_size=none,c3=dense"
    variant, switches = names.split(name)
    assert (variant, switches["eta"], switches["train_size"]) == ("a-b", "1e-05", "none")
    assert names.split("modern") == ("modern", {})
    assert names.spaced("a,b=1,c=2") == "a, b=1, c=2"


@pytest.mark.parametrize("name", ["original", "a.b_c-d,e=+1", "28"])
def test_safe_names(name):
    names.check(name)


@pytest.mark.parametrize("name", ["", "a/b", "..", None, ["original"]])
def test_unsafe_names(name):
    with pytest.raises(BadInput):
        names.check(name)
