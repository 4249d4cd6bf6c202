"""Writes tests/fuzz/corpus/picture: one small file of each kind that the engine reads, from a picture drawn here. Needs Pillow."""
import io
import os
import struct

from PIL import Image

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz", "corpus", "picture")


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def overflowing_dc(progressive):
    """Each block adds 32767 to the DC predictor, with the largest quantiser or shift."""
    blocks = 64
    bits = ("0" + "1" * 15 + ("" if progressive else "0")) * blocks
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    return (b"\xff\xd8" + segment(0xDB, b"\x10" + struct.pack(">H", 65535) * 64)
            + segment(0xC2 if progressive else 0xC1, struct.pack(">BHHB", 8, 64, 64, 1) + bytes([1, 0x11, 0]))
            + segment(0xC4, bytes([0x00, 1] + [0] * 15 + [15])) + segment(0xC4, bytes([0x10, 1] + [0] * 15 + [0]))
            + segment(0xDA, bytes([1, 1, 0x00, 0, 0 if progressive else 63, 0x0D if progressive else 0])) + data + b"\xff\xd9")


def main():
    os.makedirs(OUT, exist_ok=True)
    rgb = Image.new("RGB", (19, 13))
    rgb.putdata([((x * 13 + y) % 256, (x * y * 3) % 256, (y * 19) % 256) for y in range(13) for x in range(19)])
    grey, pal = rgb.convert("L"), rgb.quantize(16)
    rgba = rgb.copy()
    rgba.putalpha(grey)
    grey16 = Image.new("I;16", (7, 5))
    grey16.putdata([v * 1800 for v in range(35)])
    files = {
        "base420.jpg": (rgb, {"quality": 40, "subsampling": 2}), "base444.jpg": (rgb, {"quality": 60, "subsampling": 0}),
        "base422.jpg": (rgb, {"quality": 30, "subsampling": 1}), "progressive.jpg": (rgb, {"quality": 40, "progressive": True}),
        "restarts.jpg": (rgb, {"quality": 30, "restart_marker_blocks": 1}), "grey.jpg": (grey, {"quality": 40}),
        "cmyk.jpg": (rgb.convert("CMYK"), {"quality": 40}), "rgb.png": (rgb, {}), "rgba.png": (rgba, {}), "grey.png": (grey, {}),
        "grey16.png": (grey16, {}), "palette.png": (pal, {"transparency": 3}), "bits1.png": (grey.convert("1"), {}),
        "la.png": (rgba.convert("LA"), {}),
        "still.gif": (pal, {}), "rgb.bmp": (rgb, {}), "palette.bmp": (pal, {}), "bits1.bmp": (grey.convert("1"), {}),
        "rgba.bmp": (rgba, {}), "rgb.ppm": (rgb, {}),
        "grey.pgm": (grey, {}), "rgb.tga": (rgb, {}), "rle.tga": (rgb, {"compression": "tga_rle"}),
        "palette.tga": (pal, {}),
    }
    for name, (image, options) in files.items():
        image.save(os.path.join(OUT, name), **options)
    frames = [pal, pal.rotate(90), pal.rotate(180)]
    frames[0].save(os.path.join(OUT, "animated.gif"), save_all=True, append_images=frames[1:], duration=50, transparency=2, disposal=2)
    for name, progressive in (("overflow.jpg", False), ("overflow_progressive.jpg", True)):
        with open(os.path.join(OUT, name), "wb") as f:
            f.write(overflowing_dc(progressive))
    with open(os.path.join(OUT, "cut_scan.jpg"), "wb") as f:  # the scan ends inside a value
        f.write(overflowing_dc(False)[:-30] + b"\xff\xd9")
    with open(os.path.join(OUT, "deep.pgm"), "wb") as f:
        f.write(b"P5 # a comment\n3 2\n1023\n" + bytes([0, 0, 3, 255, 2, 0, 1, 1, 0, 9, 3, 3]))
    data = io.BytesIO()
    rgb.save(data, "JPEG", quality=30)
    with open(os.path.join(OUT, "junk_between.jpg"), "wb") as f:  # bytes between two segments, as some cameras write
        f.write(data.getvalue()[:20] + b"\x00\x12\xff\x00\xff\xd0" + data.getvalue()[20:])


if __name__ == "__main__":
    main()
