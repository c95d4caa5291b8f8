"""Sums are those of a loop, to the last bit."""

import numpy as np
import pytest

from lenet1998.data.streams import stream, uniform
from lenet1998.data.sums import centre_of_mass, product, total


@pytest.fixture(scope="module")
def values():
    return 10 ** (6 * uniform(stream(0, "rubbish"), (40, 300)))


def test_a_total_is_added_up_from_the_first(values):
    for axis, rows in ((1, values.tolist()), (0, values.T.tolist())):
        expected = []
        for row in rows:
            amount = 0.0
            for value in row:
                amount += value
            expected.append(amount)
        assert total(values, axis).tolist() == expected
    assert total(np.ones(3, np.float32)).dtype == np.float64


def test_a_product_is_added_up_term_by_term(values):
    left, right = values[:4], values.T[:, :5]
    expected = np.zeros((4, 5)).tolist()
    for i, row in enumerate(left.tolist()):
        for j, column in enumerate(right.T.tolist()):
            for one, other in zip(row, column, strict=True):
                expected[i][j] += one * other
    assert product(left, right).tolist() == expected
    np.testing.assert_allclose(product(left, right), left @ right)


def test_the_centre_of_mass_is_in_places_from_0():
    assert centre_of_mass(np.array([0, 1, 0, 3])) == 2.5
