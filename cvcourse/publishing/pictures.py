"""Pictures of notebooks in a form that takes less room, and that browsers know."""

import base64
import io
import re

LARGE = 150_000  # bytes: what is more without loss is a photograph


def smaller(png):
    """A picture as WebP: without loss, or nearly so where it would be large.

    Args:
        png: bytes of a PNG file.

    Returns:
        bytes of a WebP file.
    """
    from PIL import Image

    with Image.open(io.BytesIO(png)) as picture:
        file = io.BytesIO()
        picture.save(file, "webp", lossless=True, quality=20, method=1)
        if file.tell() > LARGE:
            file = io.BytesIO()
            picture.convert("RGB").save(file, "webp", quality=88, method=2)
    return file.getvalue()


def embedded(markup):
    """HTML whose embedded PNG pictures are `smaller` ones."""

    def change(found):
        content = base64.b64encode(smaller(base64.b64decode(found[1]))).decode()
        return f'src="data:image/webp;base64,{content}"'

    return re.sub(r'src="data:image/png;base64,([^"]*)"', change, markup)
