"""Makes the pictures of TestFormats beside this script: python formats.py (Pillow 11.3.0).

Each shows four quarters, red, green, blue and white, in another format or colour model. Where there is
transparency, the white quarter is black and transparent.
"""
import os

from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
COLOURS = [(200, 60, 30), (20, 160, 80), (40, 50, 210), (255, 255, 255)]


def scene(mode, colours):
    picture = Image.new(mode, (32, 32))
    for n, colour in enumerate(colours):
        picture.paste(colour, (n % 2 * 16, n // 2 * 16, n % 2 * 16 + 16, n // 2 * 16 + 16))
    return picture


def save(name, picture, **options):
    picture.save(os.path.join(here, "format-" + name), **options)


rgb = scene("RGB", COLOURS)
rgba = scene("RGBA", [c + (255,) for c in COLOURS[:3]] + [(0, 0, 0, 0)])
save("rgb.jpg", rgb, quality=95)
save("progressive.jpg", rgb, quality=95, progressive=True)
save("cmyk.jpg", rgb.convert("CMYK"), quality=95)
save("gray.jpg", rgb.convert("L"), quality=95)
save("gray.png", rgb.convert("L"))
save("alpha.png", rgba)
save("palette.png", rgb.convert("P", palette=Image.ADAPTIVE, colors=4))
save("palette.gif", rgb.convert("P", palette=Image.ADAPTIVE, colors=4))
save("rgb.bmp", rgb)
save("rgb.tiff", rgb)
save("alpha.webp", rgba, lossless=True)
save("lossy.webp", rgb, quality=95)
save("lossy-alpha.webp", rgba, quality=95)
