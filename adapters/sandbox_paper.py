"""The paper of the emulators: real PDF and PNG files that show a record."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

__all__ = ["page_png", "pdf"]

A4_RATIO = 842 / 595
MARGIN = 72
LINE_HEIGHT = 18


def pdf(title: str, lines: Sequence[str], *, pages: int = 1) -> bytes:
    """A PDF of ``pages`` A4 pages: the title, then the lines, then the page number.

    Without compression and with a fixed creation date: the same record gives the same bytes, its text legible in them.
    """
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=0, invariant=1)
    canvas.setTitle(title)
    for page in range(1, pages + 1):
        canvas.setFont("Helvetica-Bold", 16)
        canvas.drawString(MARGIN, A4[1] - MARGIN, title)
        canvas.setFont("Helvetica", 11)
        for number, line in enumerate(lines, start=2):
            canvas.drawString(MARGIN, A4[1] - MARGIN - number * LINE_HEIGHT, line)
        canvas.drawRightString(A4[0] - MARGIN, MARGIN / 2, f"{page} / {pages}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def page_png(title: str, lines: Sequence[str], *, page: int = 1, width: int = 595) -> bytes:
    """One page as a PNG, ``width`` pixels wide and A4 high."""
    scale = width / 595
    image = Image.new("RGB", (width, round(width * A4_RATIO)), "white")
    draw = ImageDraw.Draw(image)
    heading = ImageFont.load_default(size=max(8, 16 * scale))
    text = ImageFont.load_default(size=max(6, 11 * scale))
    margin = MARGIN * scale
    draw.text((margin, margin), title, fill="black", font=heading)
    for number, line in enumerate(lines, start=2):
        draw.text((margin, margin + number * LINE_HEIGHT * scale), line, fill="black", font=text)
    draw.text((width - margin, image.height - margin / 2), str(page), fill="black", font=text)
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()
