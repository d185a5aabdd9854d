#!/usr/bin/env python3
"""Write golden/resize.bin: what Pillow's Image.resize makes of a few images.

    make_resize_golden.py

Needs Pillow 13 or later: 13.0 changed which axis is resized first for images that lose much more height
than width, and the 8-bit rounding between the two passes shows the order.

Layout, little endian: int32 number of images; per image int32 width, height and its RGB pixels; int32
number of cases; per case int32 image, width, height, filter (position in FILTERS) and the RGB pixels.
"""

import struct
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

# In the order of nq::Interpolation.
FILTERS = [
    Image.Resampling.NEAREST,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
    Image.Resampling.HAMMING,
]
NEAREST, BILINEAR, BICUBIC, LANCZOS, BOX, HAMMING = range(6)


def images():
    """Noise, hard edges (overshoot has to be clipped), a smooth slope on a tall image, one pixel."""
    rng = np.random.default_rng(2026)
    noise = rng.integers(0, 256, (29, 41, 3))
    edges = 255 * (rng.integers(0, 256, (24, 33, 3)) > 127)
    y, x = np.mgrid[0:67, 0:19]
    slope = np.stack([x * 13, y * 3 + x, 255 - y * 3], axis=-1) % 256
    pixel = np.array([[[7, 130, 251]]])
    return [array.astype(np.uint8) for array in (noise, edges, slope, pixel)]


# (image, width, height, filter): both axes down, both up, one kept, mixed, rows first, extreme.
CASES = [
    (0, 17, 11, BICUBIC),
    (0, 17, 11, BILINEAR),
    (0, 63, 40, BICUBIC),
    (0, 41, 10, BICUBIC),
    (0, 15, 29, BILINEAR),
    (0, 30, 35, BICUBIC),
    (0, 47, 13, BILINEAR),
    (0, 1, 1, BICUBIC),
    (0, 3, 28, BILINEAR),
    (0, 19, 13, NEAREST),
    (0, 50, 33, NEAREST),
    (0, 16, 12, LANCZOS),
    (0, 16, 12, BOX),
    (0, 16, 12, HAMMING),
    (1, 14, 13, BICUBIC),
    (1, 40, 31, BICUBIC),
    (1, 40, 31, LANCZOS),
    (1, 11, 8, BILINEAR),
    (2, 12, 22, BICUBIC),
    (2, 12, 22, BILINEAR),
    (2, 18, 65, BICUBIC),
    (3, 5, 4, BICUBIC),
    (3, 2, 3, NEAREST),
]


def main():
    if int(PIL.__version__.split(".")[0]) < 13:
        raise SystemExit(f"Pillow {PIL.__version__} is too old; see the docstring")
    arrays = images()
    out = [struct.pack("<i", len(arrays))]
    for array in arrays:
        height, width, _ = array.shape
        out += [struct.pack("<ii", width, height), array.tobytes()]
    out.append(struct.pack("<i", len(CASES)))
    for image, width, height, interpolation in CASES:
        resized = Image.fromarray(arrays[image]).resize((width, height), FILTERS[interpolation])
        out += [struct.pack("<iiii", image, width, height, interpolation), resized.tobytes()]
    path = Path(__file__).parent / "golden" / "resize.bin"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(out))
    print(f"wrote {path}: {len(CASES)} cases by Pillow {PIL.__version__}")


if __name__ == "__main__":
    main()
