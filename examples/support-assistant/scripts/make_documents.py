#!/usr/bin/env python3
"""Writes the two help pages that are no plain text: a DOCX and a PDF, byte for byte the same each time.

Nothing but the standard library: a DOCX is a zip of XML, and a PDF of one page is written by hand.
"""

import io
import pathlib
import zipfile
from xml.sax.saxutils import escape

HELP = pathlib.Path(__file__).resolve().parent.parent / "documents" / "help-centre"

REPAIRS = [
    "Repairs",
    "Our workshop in Hollowmere repairs tents, rucksacks, jackets and boots, also those that were not bought from us.",
    "Prices: replacing a zip costs 28 EUR, a patch 15 EUR, resoling a pair of boots 64 EUR. Repairs under warranty are "
    "free.",
    "How long: about ten working days from the day the item reaches the workshop. In May and June it can be three "
    "weeks.",
    "How: describe the damage, send a photograph, and wait for our estimate before you send the item. We do not begin "
    "before you have agreed to it.",
]

SIZES = [
    "Size guide for boots",
    "Measure both feet in the evening, standing, from heel to the longest toe. Take the longer foot.",
    "Length 24.0 cm is size 38. Length 25.0 cm is size 39. Length 26.0 cm is size 41.",
    "Length 27.0 cm is size 42. Length 28.0 cm is size 44. Length 29.0 cm is size 45.",
    "For mountain boots choose one size more than for shoes: toes need room when you walk downhill.",
    "Insoles change the size by half a number. Boots can be exchanged free of charge within 60 days.",
]


def docx(paragraphs: list[str]) -> bytes:
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    body = "".join(f'<w:p><w:r><w:t xml:space="preserve">{escape(p)}</w:t></w:r></w:p>' for p in paragraphs)
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{relation}" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in parts.items():
            # A fixed time: the same text is the same file.
            info = zipfile.ZipInfo(name, date_time=(2026, 11, 24, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + xml)
    return out.getvalue()


def pdf(lines: list[str]) -> bytes:
    def text(line: str) -> str:
        return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")

    shown = "\n".join(f"({text(line)}) Tj T*" for line in lines)
    page = f"BT /F1 11 Tf 56 760 Td 22 TL\n{shown}\nET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


if __name__ == "__main__":
    (HELP / "repairs.docx").write_bytes(docx(REPAIRS))
    (HELP / "size-guide.pdf").write_bytes(pdf(SIZES))
