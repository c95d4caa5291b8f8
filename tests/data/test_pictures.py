"""Any picture file becomes a pattern like MNIST's, or one line that says why not."""

import contextlib
import logging
import math
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageOps

from lenet1998 import data
from lenet1998.data import pictures
from lenet1998.data.patterns import CENTRE, normalise
from lenet1998.data.pictures import MAX_PIXELS, SIDE, look, read_picture, to_picture
from lenet1998.errors import BadInput

FORMATS = ["png", "bmp", "gif", "tif", "webp", "jpg"]


@pytest.fixture
def read(tmp_path):
    """Save a picture and read it back."""

    def save_and_read(image, name="digit.png", **options):
        image.save(tmp_path / name, **options)
        return read_picture(tmp_path / name)

    return save_and_read


@pytest.fixture
def pattern(digits):
    """A six, which no turn and no mirror leaves as it was, with full black in it."""
    full = digits.test_images.max(axis=(1, 2)) == 255
    return digits.test_images[full & (digits.test_labels == 6)][0]


def blown_up(pattern, size=(300, 200), side=170, at=(20, 10), ink=0, paper=255):
    """A pattern drawn large, somewhere on a sheet."""
    digit = Image.fromarray(pattern).resize((side, side), Image.Resampling.BICUBIC)
    sheet = Image.new("L", size, paper)
    sheet.paste(ink, (*at, at[0] + side, at[1] + side), digit)
    return sheet


def likeness(ours, theirs):
    """Correlation of two patterns' pixels."""
    return np.corrcoef(ours.ravel().astype(float), theirs.ravel().astype(float))[0, 1]


def extent(pattern):
    return [np.ptp(np.flatnonzero(pattern.any(axis=axis))) + 1 for axis in (1, 0)]


def centre(pattern):
    return [
        np.average(np.arange(28), weights=pattern.sum(axis=axis, dtype=float)) for axis in (1, 0)
    ]


# --- As it is -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dark_ink", [False, True])
def test_a_pattern_of_mnists_kind_comes_back_byte_for_byte(digits, dark_ink, read):
    for pattern in digits.test_images[:40]:
        picture = read(Image.fromarray(255 - pattern if dark_ink else pattern))
        np.testing.assert_array_equal(picture.pattern, pattern)
        assert picture.pattern.dtype == np.uint8
        assert (picture.dark_ink, picture.normalised) == (dark_ink, False)


@pytest.mark.parametrize("dark_ink", [False, True])
@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("L", "bmp"),
        ("L", "gif"),
        ("L", "pgm"),
        ("RGB", "png"),
        ("RGB", "tif"),
        ("RGBA", "png"),
        ("LA", "png"),
        ("P", "png"),
        ("P", "gif"),
        ("CMYK", "tif"),
        ("YCbCr", "tif"),
        ("F", "tif"),
        ("I", "tif"),
    ],
)
def test_in_any_mode(mode, format, dark_ink, pattern, read):
    image = Image.fromarray(255 - pattern if dark_ink else pattern).convert(mode)
    picture = read(image, f"digit.{format}")
    np.testing.assert_array_equal(picture.pattern, pattern)
    assert picture.dark_ink == dark_ink


@pytest.mark.parametrize("format", ["png", "tif", "pgm"])
def test_in_16_bits(format, pattern, read):
    deep = Image.fromarray(pattern.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read(deep, f"digit.{format}").pattern, pattern)


def test_in_1_bit(pattern, read):
    bilevel = Image.fromarray(pattern).convert("1", dither=Image.Dither.NONE)
    picture = read(bilevel)
    np.testing.assert_array_equal(picture.pattern, read(bilevel.convert("L")).pattern)
    assert likeness(picture.pattern, pattern) > 0.85


@pytest.mark.skipif("LENET1998_DATA" not in os.environ, reason="needs MNIST: set LENET1998_DATA")
def test_all_of_mnist_is_of_its_kind():
    mnist = data.load("mnist")
    for images in (mnist.train_images, mnist.test_images):
        assert all(pictures._is_normalised(image) for image in images)


@pytest.mark.parametrize("change", ["shifted", "smaller", "on grey"])
def test_28_by_28_that_is_not_as_mnists(change, pattern, read):
    other = {
        "shifted": np.roll(pattern, (3, -2), axis=(0, 1)),
        "smaller": np.asarray(ImageOps.expand(Image.fromarray(pattern).resize((20, 20)), 4)),
        "on grey": 100 + pattern // 2,
    }[change]
    picture = read(Image.fromarray(other))
    assert picture.normalised
    assert not picture.dark_ink
    assert likeness(picture.pattern, pattern) > (0.9 if change == "smaller" else 0.99)


# --- Made so ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (90, 140), (140, 90), (0, 12)])
@pytest.mark.parametrize("format", FORMATS)
def test_dark_on_light_and_light_on_dark(format, ink, paper, pattern, read):
    picture = read(blown_up(pattern, ink=ink, paper=paper), f"digit.{format}")
    assert picture.normalised
    assert picture.dark_ink == (ink < paper)
    assert likeness(picture.pattern, pattern) > 0.9
    assert max(extent(picture.pattern)) == 20
    assert np.abs(np.subtract(centre(picture.pattern), CENTRE)).max() < 0.55
    assert picture.pattern.max() == 255


@pytest.mark.parametrize(
    ("size", "side"),
    [
        ((8, 8), 8),
        ((20, 20), 20),
        ((28, 40), 26),
        ((400, 30), 28),
        ((30, 400), 28),
        ((150, 1500), 140),
        ((1500, 150), 140),
        ((3000, 2000), 1900),
        ((3000, 2000), 300),
    ],
)
def test_of_any_size(size, side, pattern, read):
    picture = read(blown_up(pattern, size, side, at=(0, 0)))
    assert picture.dark_ink
    assert likeness(picture.pattern, pattern) > (0.75 if side == 8 else 0.9)
    assert max(extent(picture.pattern)) >= 19


def test_colours(pattern, read):
    light = Image.composite(
        Image.new("RGB", (300, 200), "yellow"),
        Image.new("RGB", (300, 200), "navy"),
        blown_up(pattern, ink=255, paper=0),
    )
    picture = read(light)
    assert not picture.dark_ink
    assert likeness(picture.pattern, pattern) > 0.9


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["jpg", "png", "tif"])
def test_orientation_as_cameras_note_it(format, orientation, pattern, read):
    flip = Image.Transpose
    how = {
        2: flip.FLIP_LEFT_RIGHT,
        3: flip.ROTATE_180,
        4: flip.FLIP_TOP_BOTTOM,
        5: flip.TRANSPOSE,
        6: flip.ROTATE_90,
        7: flip.TRANSVERSE,
        8: flip.ROTATE_270,
    }
    upright = blown_up(pattern)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright.transpose(how[orientation]) if orientation in how else upright
    picture = read(stored, f"digit.{format}", exif=exif)
    assert likeness(picture.pattern, read(upright).pattern) > 0.99


def test_of_an_animation_the_first_frame(pattern, read):
    first = blown_up(pattern)
    others = [first.transpose(Image.Transpose.ROTATE_180), Image.new("L", first.size)]
    picture = read(first, "digit.gif", save_all=True, append_images=others)
    np.testing.assert_array_equal(picture.pattern, read(first).pattern)


def test_shrinking_averages():
    stripes = np.zeros((300, 200))
    stripes[40:240:2, 50:150] = 1
    field = normalise(stripes)
    inside = field[field > 0].reshape(20, 10)[1:-1]
    assert np.abs(inside - 0.5).max() < 0.03


@pytest.mark.parametrize(("shape", "box"), [((1, 300), (1, 20)), ((300, 2), (20, 1))])
def test_the_thinnest_box_keeps_a_pixel(shape, box):
    assert extent(normalise(np.ones(shape))) == list(box)


def test_a_fine_pen_is_full_ink(read):
    sheet = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(sheet).line([(100, 60), (300, 60), (180, 350)], fill=0, width=4)
    pattern = read(sheet).pattern
    assert np.median(pattern[pattern > 0]) > 100


def test_grey_levels_are_kept(read):
    sheet = Image.new("L", (400, 400), 255)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((100, 100, 199, 299), fill=0)
    draw.rectangle((200, 100, 299, 299), fill=102)  # three fifths of black
    pattern = read(sheet).pattern
    np.testing.assert_allclose(pattern[10:18, [8, 12, 19, 23]], [[255, 255, 153, 153]] * 8, atol=2)


# --- Paper --------------------------------------------------------------------------------------


def photograph(pattern, noise=8, contrast=0.5, at=(200, 60)):
    """Pen on paper in slanting light, as grey levels from 0 to 255."""
    drawn = 1 - np.asarray(blown_up(pattern, (640, 480), 330, at)) / 255
    y, x = np.mgrid[-1 : 1 : drawn.shape[0] * 1j, -1 : 1 : drawn.shape[1] * 1j]
    light = 170 + 45 * x - 20 * y - 15 * (x * x + y * y)
    grain = np.random.default_rng(0).normal(0, noise, drawn.shape)
    return np.clip(light * (1 - contrast * drawn) + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("noise", "contrast"), [(0, 0.5), (8, 0.5), (20, 0.6), (2, 0.15)])
@pytest.mark.parametrize("negative", [False, True])
def test_photographs(noise, contrast, negative, pattern, read):
    image = Image.fromarray(photograph(pattern, noise, contrast))
    picture = read(ImageOps.invert(image) if negative else image, "photo.jpg", quality=80)
    assert picture.dark_ink != negative
    assert likeness(picture.pattern, pattern) > 0.9
    assert (picture.pattern[:2] == 0).all()


def test_specks_and_ruled_lines_are_no_ink(pattern, read):
    drawn = blown_up(pattern, (600, 400), 330, (150, 30))
    sheet = Image.new("L", drawn.size, 255)
    draw = ImageDraw.Draw(sheet)
    draw.ellipse((20, 350, 32, 362), fill=0)
    for y in range(10, 400, 60):
        draw.line((0, y, 600, y), fill=215, width=2)
    assert likeness(read(ImageChops.darker(drawn, sheet)).pattern, read(drawn).pattern) > 0.98


def test_a_digit_of_several_pieces_is_whole(read):
    five = Image.new("L", (300, 300), 255)
    draw = ImageDraw.Draw(five)
    draw.line([(100, 90), (100, 140), (180, 140), (180, 240), (90, 240)], fill=0, width=20)
    draw.line([(120, 50), (190, 50)], fill=0, width=20)
    # Below its bar, which touches nothing, an empty row.
    rows = np.flatnonzero(read(five).pattern.any(axis=1))
    assert np.diff(rows).max() > 1


def test_ink_is_what_stands_out_most_not_what_covers_most(pattern):
    sheet = np.asarray(blown_up(pattern, side=60, paper=200)).astype(float)
    sheet[30:170, 30:270] += 12
    assert to_picture(sheet / 255).dark_ink


@pytest.mark.parametrize("negative", [False, True])
def test_the_smallest_that_fill_their_picture(negative):
    from sklearn.datasets import load_digits

    for image in load_digits().images[:100]:
        levels = image / 16
        picture = to_picture(1 - levels if negative else levels)
        assert picture.dark_ink == negative
        assert likeness(picture.pattern, normalise(image)) > 0.9


def test_ink_on_the_border_does_not_bend_the_paper(pattern):
    cropped = photograph(pattern, noise=0, at=(0, 0))[47:, 47:]
    assert likeness(to_picture(cropped / 255).pattern, pattern) > 0.93


@pytest.mark.parametrize("margin", [0, 3, 40])
@pytest.mark.parametrize("negative", [False, True])
def test_ink_may_touch_the_edge(margin, negative, pattern, read):
    sheet = ImageOps.invert(Image.fromarray(pattern)).crop((4, 4, 24, 24))
    sheet = ImageOps.expand(sheet.resize((200, 200), Image.Resampling.BICUBIC), margin, 255)
    picture = read(ImageOps.invert(sheet) if negative else sheet)
    assert picture.dark_ink != negative
    assert likeness(picture.pattern, pattern) > 0.85


# --- Transparency -------------------------------------------------------------------------------


def with_opacity(level, opacity):
    """One grey level all over, as opaque as a picture says."""
    return Image.merge("LA", [Image.new("L", opacity.size, level), opacity])


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize(("level", "dark_ink"), [(0, True), (70, True), (255, False)])
def test_ink_on_nothing(mode, level, dark_ink, pattern, read):
    opacity = blown_up(pattern, ink=255, paper=0)
    picture = read(with_opacity(level, opacity).convert(mode))
    assert picture.dark_ink == dark_ink
    assert likeness(picture.pattern, pattern) > 0.9


def test_colours_under_full_transparency_are_not_seen(pattern, read):
    opacity = blown_up(pattern, ink=255, paper=0)
    hidden = Image.effect_noise(opacity.size, 100)
    hidden.paste(0, None, opacity.point(lambda level: 255 * (level > 0)))
    picture = read(Image.merge("LA", [hidden, opacity]))
    assert picture.dark_ink
    assert likeness(picture.pattern, pattern) > 0.9


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
def test_a_sticker(ink, paper, pattern, read):
    sticker = blown_up(pattern, ink=ink, paper=paper)
    opacity = ImageOps.expand(Image.new("L", sticker.size, 255), 60, 0)
    picture = read(Image.merge("LA", [ImageOps.expand(sticker, 60, paper), opacity]))
    assert picture.dark_ink == (ink < paper)
    assert likeness(picture.pattern, pattern) > 0.9


@pytest.mark.parametrize("format", ["gif", "png"])
def test_a_transparent_colour_of_the_palette(format, pattern, read):
    # White is transparent; the ink's edge keeps the greys that led over to it.
    picture = read(blown_up(pattern).convert("P"), f"digit.{format}", transparency=255)
    assert picture.dark_ink
    assert likeness(picture.pattern, pattern) > 0.85


def test_a_transparent_colour_that_is_the_inks(pattern, read):
    picture = blown_up(pattern, ink=1, paper=0).point(lambda level: level > 0)
    picture.putpalette([0, 0, 0] * 2)
    found = read(picture, transparency=0)
    assert found.dark_ink
    assert likeness(found.pattern, pattern) > 0.8


def test_half_transparent_all_over(pattern, read):
    drawn = blown_up(pattern)
    picture = read(Image.merge("LA", [drawn, Image.new("L", drawn.size, 128)]))
    assert picture.dark_ink
    assert likeness(picture.pattern, pattern) > 0.9


# --- What is no picture of a digit --------------------------------------------------------------


def says(file):
    """The one line that a file is refused with, without the name that it begins with."""
    with pytest.raises(BadInput) as error:
        read_picture(file)
    line = str(error.value)
    assert line.startswith(f"{file}: ")
    assert "\n" not in line
    return line.removeprefix(f"{file}: ")


def header_only(width, height):
    """A PNG that says how large it is and holds next to nothing."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    about = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (b"IHDR", about), (b"IDAT", zlib.compress(bytes(9))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


NO_PICTURE = "not a picture, or a damaged one; PNG, JPEG, GIF, TIFF, BMP or WebP would do"
TOO_LARGE = f"more than {MAX_PIXELS:,} pixels: scale it down"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty, not a picture"),
        (b"seven", NO_PICTURE),
        (bytes(10_000), NO_PICTURE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NO_PICTURE),
        (header_only(0, 5), NO_PICTURE),
        (header_only(10_000, 7_001), TOO_LARGE),
        (header_only(100_000, 100_000), TOO_LARGE),
    ],
    ids=["empty", "text", "zeros", "svg", "no pixels", "large", "bomb"],
)
def test_what_is_no_picture(content, message, tmp_path):
    file = tmp_path / "digit.png"
    file.write_bytes(content)
    assert says(file) == message


def test_the_limit_is_met_before_anything_is_decoded(tmp_path, monkeypatch):
    file = tmp_path / "digit.png"
    file.write_bytes(header_only(10_000, 7_000))
    assert says(file).startswith("cannot be read as a picture (")
    monkeypatch.setattr(pictures, "MAX_PIXELS", 10_000 * 7_000 - 1)
    monkeypatch.setattr(Image.Image, "load", None)
    assert "scale it down" in says(file)


def test_no_file(tmp_path):
    assert says(tmp_path / "nothing.png") == "no such file"
    assert says(tmp_path) == "no regular file, but a directory or a device"
    assert says(Path(os.devnull)) == "no regular file, but a directory or a device"
    assert says(tmp_path / ("x" * 300))


def test_a_file_that_may_not_be_read(pattern, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "secret.png"
    Image.fromarray(pattern).save(file)
    monkeypatch.setattr(Path, "open", refuse)
    assert says(file) == "cannot be read as a picture ([Errno 13] Permission denied)"


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("format", FORMATS)
def test_a_truncated_picture(format, part, pattern, tmp_path):
    file = tmp_path / f"digit.{format}"
    blown_up(pattern).save(file)
    file.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
    message = says(file)
    assert message == NO_PICTURE or message.startswith("cannot be read as a picture (")


@pytest.mark.parametrize("format", FORMATS)
def test_a_damaged_picture_is_read_or_refused(format, pattern, tmp_path):
    file = tmp_path / f"digit.{format}"
    blown_up(pattern, (60, 40), 34, (3, 3)).save(file)
    content = file.read_bytes()
    chance = np.random.default_rng(0)
    for _ in range(40):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[chance.integers(0, len(damaged), 3)] = chance.integers(0, 256, 3)
        file.write_bytes(damaged.tobytes())
        with contextlib.suppress(BadInput):
            assert read_picture(file).pattern.shape == (28, 28)


BLANK = "nothing on it stands out from its background"


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (300, 200), (2, 900)])
@pytest.mark.parametrize(
    ("mode", "colour"),
    [("L", 0), ("L", 255), ("RGB", "teal"), ("1", 1), ("F", 0.5), ("I;16", 9), ("LA", (9, 255))],
)
def test_one_colour(mode, colour, size, tmp_path):
    file = tmp_path / "blank.tif"
    Image.new(mode, size, colour).save(file)
    assert says(file) == BLANK


def test_flaws_of_the_paper_are_nothing():
    levels = np.full((100, 100), 0.9)
    levels[40:60, 50] -= 0.015
    with pytest.raises(BadInput, match=BLANK):
        to_picture(levels)
    levels[40:60, 50] -= 0.015
    assert to_picture(levels).dark_ink


@pytest.mark.parametrize("shape", [(100, 100), (200, 50)])
def test_light_alone_is_nothing(shape):
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    with pytest.raises(BadInput, match=BLANK):
        to_picture(0.2 + 0.5 * x + 0.2 * y * y)


def test_noise_alone_is_nothing():
    with pytest.raises(BadInput, match=BLANK):
        to_picture(np.random.default_rng(0).random((200, 200)))


def test_all_transparent(pattern, tmp_path):
    file = tmp_path / "digit.png"
    drawn = blown_up(pattern)
    Image.merge("LA", [drawn, Image.new("L", drawn.size, 0)]).save(file)
    assert says(file) == "nothing on it: all of it is transparent"


def test_values_that_are_no_numbers(tmp_path):
    file = tmp_path / "digit.tif"
    Image.fromarray(np.array([[0, 1], [np.nan, 1]], dtype=np.float32)).save(file)
    assert says(file) == "holds values that are no numbers"


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (2, 2), (3, 3), (1, 500), (700, 1), (9, 40)])
def test_the_smallest_pictures_are_read_or_refused(shape):
    chance = np.random.default_rng(0)
    for levels in (*chance.random((5, *shape)), *np.rint(chance.random((5, *shape)))):
        with contextlib.suppress(BadInput):
            assert to_picture(levels).pattern.max() == 255


def test_one_pixel_of_ink_is_a_block():
    levels = np.ones((50, 50))
    levels[20, 30] = 0
    assert (to_picture(levels).pattern[4:24, 4:24] == 255).all()


def test_pillow_keeps_its_warnings_to_itself(pattern, read, monkeypatch, capsys, caplog):
    honest = pictures._upright

    def warn(image):
        warnings.warn("palette", stacklevel=1)
        logging.getLogger("PIL.TiffImagePlugin").error("samples")
        return honest(image)

    monkeypatch.setattr(pictures, "_upright", warn)
    read(blown_up(pattern))
    assert capsys.readouterr() == ("", "")
    assert not caplog.records
    with pytest.warns(UserWarning, match="after"):
        warnings.warn("after", stacklevel=1)
    assert logging.getLogger("PIL").isEnabledFor(logging.ERROR)


def test_ink_is_looked_for_in_few_pixels(pattern):
    for size, side in (((2000, 1900), 1400), ((SIDE + 1, SIDE), 280), ((SIDE, 40), 280)):
        ink, block = look(blown_up(pattern, size, side))
        assert SIDE / 2 <= max(ink.field.shape) <= SIDE
        assert block == math.ceil(max(size) / SIDE)


def test_what_is_small_is_looked_at_once_more(pattern, read):
    sheet = blown_up(pattern, (3000, 2000), 48, (2100, 300))
    assert look(sheet).block == 1
    cut = sheet.crop((2060, 260, 2190, 390))
    assert likeness(read(sheet).pattern, read(cut).pattern) > 0.99


# --- Images and arrays --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        lambda sheet: sheet,
        lambda sheet: sheet.convert("RGB"),
        np.asarray,
        lambda sheet: np.asarray(sheet) / 255,
        lambda sheet: np.float32(np.asarray(sheet)) / 255,
        lambda sheet: np.asarray(sheet.convert("RGB")),
        lambda sheet: np.asarray(sheet.convert("RGBA")) / 255,
    ],
    ids=["L", "RGB", "bytes", "floats", "float32", "colours", "with opacity"],
)
def test_an_image_or_an_array_is_read_as_the_file_is(kind, pattern, read):
    sheet = blown_up(pattern)
    np.testing.assert_array_equal(read_picture(kind(sheet)).pattern, read(sheet).pattern)
    small = Image.fromarray(pattern)
    np.testing.assert_array_equal(read_picture(kind(small)).pattern, pattern)


@pytest.mark.parametrize(
    ("array", "error", "says"),
    [
        (np.zeros(9), ValueError, r"must be \(H, W\), \(H, W, 3\) or \(H, W, 4\), got \(9,\)"),
        (np.zeros((1, 28, 28)), ValueError, r"got \(1, 28, 28\)"),
        (np.zeros((0, 5)), ValueError, r"got \(0, 5\)"),
        (np.full((9, 9), 2.0), ValueError, "values from 0, black, to 1, white"),
        (np.full((9, 9), np.nan), ValueError, "values from 0, black, to 1, white"),
        (np.zeros((9, 9), int), TypeError, "must be of uint8, bool or float, got int64"),
        (np.array([["a", "b"]]), TypeError, "must be of uint8, bool or float"),
        (np.zeros((9, 9), bool), BadInput, f"^picture: {BLANK}$"),
    ],
)
def test_arrays_that_are_no_pictures(array, error, says):
    with pytest.raises(error, match=says):
        read_picture(array)


def test_libraries_of_c_are_silent_and_others_heard_after(pattern, tmp_path, capfd):
    file = tmp_path / "digit.tif"
    blown_up(pattern).save(file, compression="tiff_lzw")
    content = bytearray(file.read_bytes())
    content[20:400] = bytes(range(256)) + bytes(124)
    file.write_bytes(content)
    assert says(file).startswith("cannot be read as a picture (")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


# --- What is around a digit ---------------------------------------------------------------------


def shaded(levels):
    y, x = np.mgrid[0 : 1 : levels.shape[0] * 1j, 0 : 1 : levels.shape[1] * 1j]
    return levels * np.where(x + 0.3 * y > 0.6, 0.5, 1)


def boxed(levels):
    levels[10:190, [10, 11, 288, 289]] = levels[[10, 11, 188, 189], 10:290] = 0.1
    return levels


def beside_a_side(levels):
    levels[:, :6] = 0
    return levels


def on_rules(levels):
    levels[7::40] = levels[8::40] = 0
    return levels


def by_a_margin(levels):
    levels[:, 14:17] = 0.2
    return levels


def on_a_desk(levels):
    return np.pad(levels, 40, constant_values=0.3)


@pytest.mark.parametrize("around", [shaded, boxed, beside_a_side, on_rules, by_a_margin, on_a_desk])
@pytest.mark.parametrize("negative", [False, True])
def test_what_is_around_a_digit_is_no_ink(around, negative, pattern):
    drawn = np.asarray(blown_up(pattern, side=140, at=(80, 30), ink=255, paper=0), dtype=float)
    sheet = 0.9 - 0.8 * np.clip((drawn - 110) / 60, 0, 1)
    levels = around(sheet.copy())
    picture = to_picture(1 - levels if negative else levels)
    assert picture.dark_ink != negative
    assert likeness(picture.pattern, to_picture(sheet).pattern) > 0.93
