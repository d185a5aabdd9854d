#!/usr/bin/env python3
"""Write golden/images.bin: small image files of many kinds and Pillow's convert("RGB") of each.

    make_image_golden.py

Layout, little endian, per case: int32 length of the name, name, int32 largest accepted difference per
level, int32 length of the file, file, int32 width, height, RGB pixels.

Accepted differences: none where decoding is exact; 1 where five bits are widened to eight (BMP) or only
luma is decoded; 2 where a product is rounded as well (CMYK); for colour JPEG the inverse DCT may differ by
1 in luma and in chroma, which the conversion to RGB multiplies by up to 1.772: 3; where chroma is also
upsampled, by 1 more: 1 + 2 * 1.772 rounds to 5.
"""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 13, 9
EXACT, ROUNDED, PRODUCT, COLOUR, UPSAMPLED = 0, 1, 2, 3, 5
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]

rng = np.random.default_rng(7)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(array):
    """Rows of a PNG, each behind filter type 0."""
    return b"".join(b"\0" + row.tobytes() for row in array)


def png(bits, color_type, data, extra=b"", interlace=0):
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, color_type, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
        + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")
    )


def adam7(array):
    passes = [array[top::down, left::right] for left, top, right, down in ADAM7]
    return b"".join(rows(part) for part in passes if part.size)


def bmp(bits, compression, row_bytes, palette=b"", masks=b"", top_down=False):
    body = rng.integers(0, 256, (HEIGHT, row_bytes), dtype=np.uint8).tobytes()
    offset = 54 + len(masks) + len(palette)
    height = -HEIGHT if top_down else HEIGHT
    return (
        b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset)
        + struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, compression, len(body), 0, 0, len(palette) // 4, 0)
        + masks + palette + body
    )


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def without_adobe_segment(jpeg):
    start = jpeg.index(b"\xff\xee")
    length = struct.unpack(">H", jpeg[start + 2 : start + 4])[0]
    return jpeg[:start] + jpeg[start + 2 + length :]


def as_ycck(jpeg):
    """The same file with the Adobe segment's colour transform set to YCCK."""
    changed = bytearray(jpeg)
    changed[jpeg.index(b"\xff\xee") + 15] = 2
    return bytes(changed)


def png_cases(image):
    grey = image.convert("L")
    with_alpha = image.copy()
    with_alpha.putalpha(grey)
    array = np.array(image)
    wide = rng.integers(0, 65536, (HEIGHT, WIDTH, 4)).astype(">u2")
    sub_byte = lambda bits: rng.integers(0, 256, (HEIGHT, (WIDTH * bits + 7) // 8), dtype=np.uint8)
    return {
        "rgb.png": saved(image, "PNG"),
        "grey.png": saved(grey, "PNG"),
        "alpha.png": saved(with_alpha, "PNG"),
        "grey_alpha.png": saved(with_alpha.convert("LA"), "PNG"),
        "grey_1bit.png": saved(grey.convert("1"), "PNG"),
        "grey_2bit.png": png(2, 0, rows(sub_byte(2))),
        "grey_4bit.png": png(4, 0, rows(sub_byte(4))),
        "rgb_16bit.png": png(16, 2, rows(np.ascontiguousarray(wide[..., :3]))),
        "alpha_16bit.png": png(16, 6, rows(wide)),
        "palette.png": saved(image.quantize(60), "PNG"),
        "palette_4bit.png": saved(image.quantize(11), "PNG"),
        "palette_transparent.png": saved(image.quantize(20), "PNG", transparency=3),
        "rgb_transparent.png": png(8, 2, rows(array), chunk(b"tRNS", struct.pack(">HHH", *array[0, 0].tolist()))),
        "interlaced.png": png(8, 2, adam7(array), interlace=1),
    }


def bmp_cases(image):
    palette = rng.integers(0, 256, 64, dtype=np.uint8).tobytes()
    return {
        "rgb.bmp": (saved(image, "BMP"), EXACT),
        "grey.bmp": (saved(image.convert("L"), "BMP"), EXACT),
        "top_down.bmp": (bmp(24, 0, 40, top_down=True), EXACT),
        "palette_4bit.bmp": (bmp(4, 0, 8, palette), EXACT),
        "rgb_555.bmp": (bmp(16, 0, 28), ROUNDED),
        "rgb_565.bmp": (bmp(16, 3, 28, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)), ROUNDED),
    }


def jpeg_cases(image):
    large = image.resize((40, 28), Image.Resampling.BICUBIC)
    cmyk = saved(image.convert("CMYK"), "JPEG", quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees
    return {
        "grey.jpg": (saved(image.convert("L"), "JPEG"), ROUNDED),
        "444.jpg": (saved(large, "JPEG", quality=90, subsampling=0), COLOUR),
        "420.jpg": (saved(large, "JPEG", quality=90, subsampling=2), UPSAMPLED),
        "422_progressive.jpg": (saved(large, "JPEG", quality=90, subsampling=1, progressive=True), UPSAMPLED),
        "restart_markers.jpg": (saved(large, "JPEG", restart_marker_blocks=2), UPSAMPLED),
        "stored_as_rgb.jpg": (saved(image, "JPEG", quality=90, keep_rgb=True), ROUNDED),
        "orientation.jpg": (saved(image, "JPEG", exif=exif, subsampling=0), COLOUR),
        "cmyk.jpg": (cmyk, PRODUCT),
        "cmyk_without_adobe_segment.jpg": (without_adobe_segment(cmyk), PRODUCT),
        "ycck.jpg": (as_ycck(cmyk), COLOUR),
    }


def main():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = np.stack([x * 19, 255 - y * 28, (x + y) * 12], axis=-1)
    image = Image.fromarray(np.clip(smooth + rng.integers(-6, 7, smooth.shape), 0, 255).astype(np.uint8))
    cases = {name: (data, EXACT) for name, data in png_cases(image).items()}
    cases.update(bmp_cases(image))
    cases.update(jpeg_cases(image))
    out = []
    for name, (data, tolerance) in cases.items():
        expected = Image.open(io.BytesIO(data)).convert("RGB")
        out += [struct.pack("<i", len(name)), name.encode(), struct.pack("<ii", tolerance, len(data)), data]
        out += [struct.pack("<ii", *expected.size), expected.tobytes()]
    path = Path(__file__).parent / "golden" / "images.bin"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(out))
    print(f"wrote {path}: {len(cases)} cases")


if __name__ == "__main__":
    main()
