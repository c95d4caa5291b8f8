"""The strings of Figs. 25 and 26, window by window."""

import numpy as np

from experiments.net_1998 import printed_strings as strings
from lenet1998 import paper
from lenet1998.restore.printing import Scale

CODES = paper.digit_codes().astype(float)


def states_of_1998():
    greys = strings.f6_greys()
    return Scale.of([greys]).states(greys).value


def test_windows_step_over_the_field():
    field = np.arange(2 * 32 * 64.0).reshape(2, 32, 64)
    seen = strings.windows(field)
    assert seen.shape == (2, 9, 32, 32)
    np.testing.assert_array_equal(seen[1, 0], field[1, :, :32])
    np.testing.assert_array_equal(seen[1, 8], field[1, :, 32:])
    np.testing.assert_array_equal(seen[0, 3], field[0, :, 12:44])


def test_what_is_not_shown_is_background():
    field = strings.whole_field(np.ones((3, 32, 52)))
    assert field.shape == (3, 32, 64)
    assert (field[..., 6:58] == 1).all()
    assert (field[..., :6] == paper.BACKGROUND).all()
    assert (field[..., 58:] == paper.BACKGROUND).all()


def test_the_inputs_of_all_five_strings():
    seen = strings.inputs()
    assert seen.shape == (5, 9, 32, 32)
    assert seen[0, 8, 0, -1] == paper.BACKGROUND
    assert (seen.max((1, 2, 3)) > 1).all()


def test_a_code_is_at_no_distance_from_itself():
    found = strings.distances(CODES)
    assert found.shape == (10, 10)
    np.testing.assert_array_equal(found.diagonal(), 0)
    assert (np.sort(found, 1)[:, 1] > 0).all()


def test_digits_are_found_where_their_codes_are():
    states = np.zeros((9, 84))
    states[[0, 3, 8]] = CODES[[6, 7, 8]]
    assert strings.digit_places(states, "678") == (0, 3, 8)


def test_no_two_digits_are_contiguous():
    states = np.zeros((9, 84))
    states[[4, 5]] = CODES[1]
    first, second = strings.digit_places(states, "11")
    assert second - first > 1


def test_the_states_of_1998_read_every_digit_of_its_answers():
    for states, answer in zip(states_of_1998(), paper.printed_strings().answer, strict=True):
        places = strings.digit_places(states, answer)
        nearest = strings.distances(states[list(places)]).argmin(-1)
        assert "".join(map(str, nearest)) == answer
