"""scikit-learn's 1,797 digits, drawn as MNIST draws its own: what there is without a download."""

from hashlib import sha256

import numpy as np

from lenet1998.data.patterns import Dataset, constant_order, normalise

DIGITS_TEST_SIZE = 500
DIGITS_SPLIT_SEED = 1998  # not to be used for a run on them: its order would be the split's


def read_digits() -> Dataset:
    """scikit-learn's digits, normalised as MNIST is; the test set is DIGITS_TEST_SIZE of them."""
    from sklearn.datasets import load_digits  # slow to import, and MNIST does without

    source = load_digits()
    # load_digits counts ink from 0 to 16. The rounding to 6 places makes exact halves of what sums
    # leave beside them.
    levels = np.stack([normalise(image) for image in source.images]) * 255 / 16
    images = np.rint(np.rint(levels * 1e6) / 1e6).astype(np.uint8)
    labels = source.target.astype(np.int64)
    order = constant_order(len(images), DIGITS_SPLIT_SEED)
    test, train = order[:DIGITS_TEST_SIZE], order[DIGITS_TEST_SIZE:]
    parts = images[train], labels[train], images[test], labels[test]
    return Dataset("digits", *parts, checksum=sha256(b"".join(map(bytes, parts))).hexdigest())
