"""Office files for tests, written by hand: as small as their programs read them."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from studio.data.reading.grids import letters

Cells = Sequence[Sequence[object]]
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def write_xlsx(path: Path, sheets: dict[str, Cells], merges: Sequence[str] = ()) -> Path:
    """A workbook of sheets; `merges` (`A1:C1`) are of the first one. A text of `=…` is a formula."""
    numbers = range(1, len(sheets) + 1)
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in zip(numbers, sheets, strict=True)
    )
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/worksheet" '
        f'Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for number in numbers
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
            '"/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            f'spreadsheetml.sheet.main+xml"/>{kinds}</Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
        )
        for number, cells in zip(numbers, sheets.values(), strict=True):
            merged = "".join(f'<mergeCell ref="{each}"/>' for each in merges if number == 1)
            more = f"<mergeCells>{merged}</mergeCells>" if merged else ""
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{_xlsx_rows(cells)}</sheetData>{more}'
                "</worksheet>",
            )
    return path


def _xlsx_rows(cells: Cells) -> str:
    rows = []
    for number, row in enumerate(cells, start=1):
        found = ""
        for place, cell in enumerate(row):
            where = f"{letters(place)}{number}"
            if isinstance(cell, str) and cell.startswith("="):
                found += f'<c r="{where}" t="str"><f>{escape(cell[1:])}</f><v>kept</v></c>'
            elif isinstance(cell, str) and cell:
                found += f'<c r="{where}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
            elif isinstance(cell, bool):
                found += f'<c r="{where}" t="b"><v>{int(cell)}</v></c>'
            elif isinstance(cell, int | float):
                found += f'<c r="{where}"><v>{cell}</v></c>'
        rows.append(f'<row r="{number}">{found}</row>')
    return "".join(rows)


def write_ods(path: Path, sheets: dict[str, Cells], *, tail: str = "") -> Path:
    """A LibreOffice workbook; empty rows and cells are repeated to the sheet's end, as it does."""
    tables = ""
    for name, cells in sheets.items():
        rows = "".join(
            "<table:table-row>"
            + "".join(
                f'<table:table-cell office:value-type="string"><text:p>{escape(str(cell))}</text:p>'
                "</table:table-cell>"
                if cell != ""
                else "<table:table-cell/>"
                for cell in row
            )
            + '<table:table-cell table:number-columns-repeated="16380"/></table:table-row>'
            for row in cells
        )
        end = (
            '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
            'table:number-columns-repeated="16384"/></table:table-row>'
        )
        tables += f'<table:table table:name="{escape(name)}">{rows}{tail}{end}</table:table>'
    content = (
        f'<office:document-content xmlns:office="{_ODF}:office:1.0" xmlns:table="{_ODF}:table:1.0" '
        f'xmlns:text="{_ODF}:text:1.0"><office:body><office:spreadsheet>{tables}'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return path


def write_docx(path: Path, body: Sequence[str | tuple[str, str] | Cells], prolog: str = "") -> Path:
    """A Word document: a text is a paragraph, a pair a heading of that style, a list of lists a table."""
    parts = ""
    for part in body:
        if isinstance(part, str):
            parts += _paragraph(part)
        elif isinstance(part, tuple):
            style, text = part
            parts += _paragraph(str(text), str(style))
        else:
            rows = (
                "".join(f"<w:tc>{_paragraph(str(cell))}</w:tc>" for cell in row) for row in part
            )
            parts += f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"
    document = f'{prolog}<w:document xmlns:w="{_WORD}"><w:body>{parts}</w:body></w:document>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", document)
    return path


def _paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{escape(text)}</w:t></w:r></w:p>"


def write_pdf(path: Path, pages: Sequence[Sequence[str]]) -> Path:
    """A PDF of pages of lines, in Helvetica; an empty line is a gap."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    objects.append(
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    )
    kids = []
    for lines in pages:
        shown = "".join(
            f"1 0 0 1 60 {760 - 16 * row} Tm ({_pdf_text(line)}) Tj\n"
            for row, line in enumerate(lines)
            if line
        )
        stream = f"BT /F1 11 Tf\n{shown}ET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> "
            f">> /Contents {len(objects)} 0 R >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    content, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(content))
        content += f"{number} 0 obj\n{text}\nendobj\n"
    begin = len(content)
    content += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    content += "".join(f"{place:010} 00000 n \n" for place in places)
    content += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{begin}\n%%EOF\n"
    path.write_bytes(content.encode("latin-1"))
    return path


def _pdf_text(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
