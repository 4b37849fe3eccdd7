use std::fmt::Write as _;
use std::io::Write as _;

use proptest::prelude::*;

use super::super::{Extracted, How, Kind, extract};

/// A file of objects numbered from 1, the first of which is the catalogue, with a table of places.
fn file_of(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = String::from("0000000000 65535 f \n");
    for (i, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", out.len()).expect("a string");
        out.extend(format!("{} 0 obj\n", i + 1).bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let (at, size) = (out.len(), objects.len() + 1);
    out.extend(format!("xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\n").bytes());
    out.extend(format!("startxref\n{at}\n%%EOF\n").bytes());
    out
}

fn stream(entries: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = format!("<< {entries} /Length {} >>\nstream\n", bytes.len()).into_bytes();
    out.extend(bytes);
    out.extend(b"\nendstream");
    out
}

fn packed(entries: &str, bytes: &[u8]) -> Vec<u8> {
    stream(&format!("{entries} /Filter /FlateDecode"), &deflated(bytes))
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// One page, whose font is `F`; more entries of the catalogue, the page and its resources, and more objects
/// from number 6.
struct Sample<'a> {
    contents: &'a str,
    catalogue: &'a str,
    page: &'a str,
    resources: &'a str,
    more: Vec<Vec<u8>>,
    trailer: &'a str,
}

impl Default for Sample<'_> {
    fn default() -> Self {
        Self {
            contents: "BT /F 12 Tf 72 700 Td (before) Tj ET",
            catalogue: "",
            page: "",
            resources: "",
            more: Vec::new(),
            trailer: "",
        }
    }
}

impl Sample<'_> {
    fn objects(&self) -> Vec<Vec<u8>> {
        let mut objects = vec![
            format!("<< /Type /Catalog /Pages 2 0 R {} >>", self.catalogue).into_bytes(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 612 792] >>".to_vec(),
            format!(
                "<< /Type /Page /Parent 2 0 R /Contents 4 0 R {} /Resources << /Font << /F 5 0 R >> {} >> >>",
                self.page, self.resources
            )
            .into_bytes(),
            packed("", self.contents.as_bytes()),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
        ];
        objects.extend(self.more.iter().cloned());
        objects
    }

    fn read(&self) -> Extracted {
        extract(&file_of(&self.objects(), self.trailer), "application/pdf")
    }
}

/// What is between two lines that are seen.
fn drawn(middle: &str) -> String {
    format!("q BT /F 12 Tf 72 700 Td (before) Tj ET Q q {middle} Q q BT /F 12 Tf 72 600 Td (after) Tj ET Q")
}

fn of_page(middle: &str, resources: &str, catalogue: &str, more: Vec<Vec<u8>>) -> Extracted {
    Sample { contents: &drawn(middle), resources, catalogue, more, ..Sample::default() }.read()
}

const LAYERS: &str = "/OCProperties << /OCGs [6 0 R 7 0 R] /D << /OFF [6 0 R] >> >>";

fn layers() -> Vec<Vec<u8>> {
    vec![
        b"<< /Type /OCG /Name (a) >>".to_vec(),
        b"<< /Type /OCG /Name (b) >>".to_vec(),
        b"<< /Type /OCMD /OCGs [6 0 R 7 0 R] /P /AllOn >>".to_vec(),
    ]
}

#[test]
fn pages_hide_in_many_ways() {
    let resources = "/ExtGState << /Clear << /ca 0 >> >> /Properties << /A 6 0 R /B 7 0 R /M 8 0 R >> \
                     /ColorSpace << /White [/Indexed /DeviceRGB 1 <000000fefefe>] \
                     /Ink [/Separation /Paper /DeviceCMYK << /FunctionType 2 /N 1 /C0 [0 0 0 1] /C1 [0 0 0 0] >>] >>";
    for (middle, how) in [
        ("BT 3 Tr /F 12 Tf 72 650 Td (X Y) Tj ET", How::Transparent),
        ("BT 7 Tr /F 12 Tf 72 650 Td (X Y) Tj ET", How::Transparent),
        ("/Clear gs BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::Transparent),
        ("1 g BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::Camouflage),
        ("0.99 0.98 1 rg BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::Camouflage),
        ("0 0 0 0 k BT /F 12 Tf 72 650 Td [(X) -20 ( Y)] TJ ET", How::Camouflage),
        ("/DeviceRGB cs 1 1 1 sc BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::Camouflage),
        ("/White cs 1 scn BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::Camouflage),
        ("/Ink cs 1 scn BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::Camouflage),
        ("1 G 1 Tr BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::Camouflage),
        ("0 0 1 rg 60 640 300 30 re f 0.02 0 1 rg BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::Camouflage),
        ("BT /F 1 Tf 72 650 Td (X Y) Tj ET", How::Tiny),
        ("0.1 0 0 0.1 0 0 cm BT /F 12 Tf 720 6500 Td (X Y) Tj ET", How::Tiny),
        ("BT /F 12 Tf 0.05 0 0 0.05 72 650 Tm (X Y) Tj ET", How::Tiny),
        ("BT /F 12 Tf 0 Tz 72 650 Td (X Y) Tj ET", How::Tiny),
        ("BT /F 12 Tf -500 650 Td (X Y) Tj ET", How::OffPage),
        ("BT /F 12 Tf 72 900 Td (X Y) Tj ET", How::OffPage),
        ("72 640 0 0 re W n BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::OffPage),
        ("400 100 50 50 re W n BT /F 12 Tf 72 650 Td (X Y) Tj ET", How::OffPage),
        ("BT /F 12 Tf 72 650 Td (X Y) Tj ET 0.5 g 60 640 300 30 re f", How::Covered),
        ("BT /F 12 Tf 72 650 Td (X Y) Tj ET 60 640 m 360 640 l 360 670 l 60 670 l h f", How::Covered),
        ("/OC /A BDC BT /F 12 Tf 72 650 Td (X Y) Tj ET EMC", How::NotDrawn),
        ("/OC /M BDC /S BMC BT /F 12 Tf 72 650 Td (X Y) Tj ET EMC EMC", How::NotDrawn),
        ("/Span << /ActualText (X Y) >> BDC EMC", How::Attribute),
        ("/Figure << /Alt (X Y) >> BDC EMC", How::Attribute),
    ] {
        let read = of_page(middle, resources, LAYERS, layers());
        let found = read.hidden.iter().find(|h| h.text == "X Y");
        assert_eq!(found.map(|h| h.how), Some(how), "{middle}: {read:?}");
        assert_eq!((read.kind, read.truncated), (Kind::Pdf, false), "{middle}");
        assert_eq!(read.visible, "before\nafter", "{middle}");
        assert!(found.is_some_and(|h| h.place.starts_with("page 1")), "{middle}");
    }
}

#[test]
fn what_shows_is_not_hidden() {
    let resources = "/Properties << /A 6 0 R /B 7 0 R >> /ExtGState << /Half << /ca .5 >> >>";
    for middle in [
        "0.4 g BT /F 12 Tf 72 650 Td (X Y) Tj ET",
        "BT /F 12 Tf 72 650 Td (X) Tj 20 0 Td (Y) Tj ET",
        "BT /F 12 Tf 72 650 Td [(X) -400 (Y)] TJ ET",
        "0 g 60 640 300 30 re f 1 g BT /F 12 Tf 72 650 Td (X Y) Tj ET",
        "0 0 0.5 rg 50 600 m 400 600 450 700 50 700 c f 1 g BT /F 12 Tf 72 650 Td (X Y) Tj ET",
        "/Pattern cs /P scn 60 640 300 30 re f 1 g BT /F 12 Tf 72 650 Td (X Y) Tj ET",
        "BT /F 12 Tf 72 650 Td (X Y) Tj ET 0.5 g 60 100 300 30 re f",
        "BT /F 12 Tf 72 650 Td (X Y) Tj ET /Half gs 1 1 0 rg 60 640 300 30 re f",
        "/OC /B BDC BT /F 12 Tf 72 650 Td (X Y) Tj ET EMC",
        "/Span << /ActualText (X Y) >> BDC BT /F 12 Tf 72 650 Td (X Y) Tj ET EMC",
        "60 640 300 30 re W n BT /F 12 Tf 72 650 Td (X Y) Tj ET",
        "1 g BT /F 12 Tf 72 650 Td (X) Tj ET BI /W 1 /H 1 /BPC 8 /CS /G ID \u{e9} EI 0 g BT /F 12 Tf 72 650 Td (X Y) Tj ET",
        "3 Tr 0 Tr BT /F 1 Tf 12 0 0 12 72 650 Tm <58205> Tj (9) ' ET BT /F 12 Tf 72 640 Td (X \\131) Tj ET",
    ] {
        let read = of_page(middle, resources, LAYERS, layers());
        assert!(read.visible.contains("X Y"), "{middle}: {read:?}");
    }
}

#[test]
fn forms_are_drawn_where_they_are_used() {
    let form = |entries: &str, contents: &str| {
        packed(
            &format!(
                "/Type /XObject /Subtype /Form /BBox [0 0 400 100] /Resources << /Font << /F 5 0 R >> /XObject << /Self 6 0 R >> >> {entries}"
            ),
            contents.as_bytes(),
        )
    };
    let show = "BT /F 12 Tf 10 10 Td (X Y) Tj ET /Self Do";
    let resources = "/XObject << /Form 6 0 R >>";
    let seen = of_page("1 0 0 1 72 650 cm /Form Do", resources, "", vec![form("", show)]);
    assert_eq!(seen.visible, "before\nX Y\nafter");
    for (entries, middle, contents, how) in [
        ("/Matrix [1 0 0 1 0 -900]", "/Form Do", show, How::OffPage),
        ("", "0.05 0 0 0.05 72 650 cm /Form Do", show, How::Tiny),
        ("", "1 g 1 0 0 1 72 650 cm /Form Do", show, How::Camouflage),
        (
            "/OC 7 0 R",
            "1 0 0 1 72 650 cm /Form Do",
            "EMC EMC BT /F 12 Tf 10 10 Td (X Y) Tj ET",
            How::NotDrawn,
        ),
    ] {
        let catalogue = "/OCProperties << /OCGs [7 0 R] /D << /BaseState /OFF >> >>";
        let more = vec![form(entries, contents), b"<< /Type /OCG >>".to_vec()];
        let read = of_page(middle, resources, catalogue, more);
        let found: Vec<(How, &str)> = read.hidden.iter().map(|h| (h.how, h.text.as_str())).collect();
        assert_eq!(
            (found, read.visible.as_str()),
            (vec![(how, "X Y")], "before\nafter"),
            "{entries} {middle}"
        );
    }
}

#[test]
fn letters_are_read_by_the_map_the_file_gives() {
    let map = "1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0003> <0058> endbfchar \
               2 beginbfrange <0010> <0012> <0061> <0020> <0021> [<d83dde00> <00660069>] endbfrange \
               1 beginbfchar <0030> <0073006500630072006500740020006d006500730073006100670065003a00200067006f0021> endbfchar";
    let more = vec![
        b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /DescendantFonts [7 0 R] /ToUnicode 8 0 R >>".to_vec(),
        b"<< /Type /Font /Subtype /CIDFontType2 /DW 500 /W [3 [600 600] 16 18 400] >>".to_vec(),
        packed("", map.as_bytes()),
        b"<< /Type /Font /Subtype /Type1 /Encoding << /Differences [1 /X /space /uni0059 /f_i /eacute /g12] >> >>".to_vec(),
    ];
    let sample = Sample {
        contents: "BT /C 12 Tf 72 700 Td <00030010001100120020002100300003> Tj /D 12 Tf 0 -20 Td <0102030405> Tj \
                   /F 12 Tf 0 -20 Td (\\223q\\224 \\200) Tj ET",
        resources: "/More true >> /Resources << /Font << /C 6 0 R /D 9 0 R /F 5 0 R >>",
        more,
        ..Sample::default()
    };
    let read = sample.read();
    assert_eq!(read.visible, "Xabc\u{1f600}fiX\nX Yfi\u{e9}\n\u{201c}q\u{201d} \u{20ac}");
    assert!(!read.truncated);
    let found: Vec<(How, &str)> = read.hidden.iter().map(|h| (h.how, h.text.as_str())).collect();
    assert_eq!(found, [(How::Alternative, "secret message: go!")]);
    let unread = Sample { contents: "BT /D 12 Tf <06> Tj ET", ..sample }.read();
    assert!(unread.truncated, "a letter that nobody names is not read");
}

#[test]
fn around_the_pages_there_is_more_text() {
    let xmp = "<x:xmpmeta><rdf:Description dc:note='in an attribute'><dc:title>in the packet</dc:title></rdf:Description></x:xmpmeta>";
    let more = vec![
        b"<< /Title (in the title) /Custom <feff0069006e0020005500540046> /CreationDate (D:20260101) >>".to_vec(),
        packed("/Type /Metadata", xmp.as_bytes()),
        b"<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /F 2 /Contents (in a note) /A << /URI (http://a.example/?q) >> >>".to_vec(),
        b"<< /Type /Annot /Subtype /FreeText /Rect [72 500 272 520] /Contents (in a box) /AP << /N 10 0 R >> >>".to_vec(),
        packed("/Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F 5 0 R >> >>", b"BT /F 12 Tf 2 5 Td (in a box) Tj ET"),
        b"<< /Type /Annot /Subtype /Stamp /F 32 /Rect [72 500 272 520] /AP << /N << /On 12 0 R >> >> /AS /On >>".to_vec(),
        packed("/Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F 5 0 R >> >>", b"BT /F 12 Tf 2 5 Td (in a stamp) Tj ET"),
        b"<< /T (name) /TU (in a tip) /V (in a field) /Kids [13 0 R] >>".to_vec(),
        b"<< /First 15 0 R >>".to_vec(),
        b"<< /Title (in a bookmark) /Next 15 0 R >>".to_vec(),
        b"<< /Type /StructTreeRoot /K [<< /S /Figure /Alt (in a label) /K 16 0 R >>] >>".to_vec(),
        b"<< /S /JavaScript /JS (in a script) >>".to_vec(),
    ];
    let read = Sample {
        catalogue: "/Metadata 7 0 R /AcroForm << /Fields [13 0 R] >> /Outlines 14 0 R /StructTreeRoot 16 0 R \
                    /OpenAction 17 0 R",
        page: "/Annots [8 0 R 9 0 R 11 0 R]",
        trailer: "/Info 6 0 R",
        more,
        ..Sample::default()
    }
    .read();
    assert_eq!((read.visible.as_str(), read.truncated), ("before\nin a box", false));
    let found: Vec<(How, &str)> = read.hidden.iter().map(|h| (h.how, h.text.as_str())).collect();
    for expected in [
        (How::Metadata, "in the title"),
        (How::Metadata, "in UTF"),
        (How::Metadata, "in an attribute\nin the packet"),
        (How::Note, "in a note"),
        (How::Attribute, "http://a.example/?q"),
        (How::NotDrawn, "in a stamp"),
        (How::Attribute, "in a tip"),
        (How::Program, "in a field"),
        (How::Metadata, "in a bookmark"),
        (How::Attribute, "in a label"),
        (How::Program, "in a script"),
    ] {
        assert!(found.contains(&expected), "{expected:?}: {found:?}");
    }
    assert!(!found.iter().any(|(_, text)| text.contains("in a box") || text.starts_with("D:")), "{found:?}");
}

#[test]
fn attachments_are_named_and_not_read() {
    let read = Sample {
        catalogue: "/Names << /EmbeddedFiles << /Names [(a) << /UF (send.txt) /Desc (run me) >>] >> >>",
        ..Sample::default()
    }
    .read();
    assert!(read.truncated && read.hidden.iter().any(|h| h.text == "run me"), "{read:?}");
}

#[test]
fn an_encrypted_file_is_not_read() {
    let read = Sample { trailer: "/Encrypt << /Filter /Standard >>", ..Sample::default() }.read();
    assert_eq!((read.visible.as_str(), read.truncated), ("", true));
}

/// The places of objects, and the objects that may be, in streams; predicted from the row above.
fn modern(sample: &Sample<'_>) -> Vec<u8> {
    let objects = sample.objects();
    let mut out = b"%PDF-1.5\n".to_vec();
    let (mut head, mut body) = (String::new(), Vec::new());
    let mut rows: Vec<[u8; 4]> = vec![[0, 0, 0, 0]];
    let pack = objects.len() + 1;
    let mut packed_so_far = 0;
    for (i, object) in objects.iter().enumerate() {
        if object.ends_with(b"endstream") {
            let at = (out.len() as u16).to_be_bytes();
            rows.push([1, at[0], at[1], 0]);
            out.extend(format!("{} 0 obj\n", i + 1).bytes());
            out.extend(object);
            out.extend(b"\nendobj\n");
        } else {
            write!(head, "{} {} ", i + 1, body.len()).expect("a string");
            body.extend(object);
            body.push(b'\n');
            rows.push([2, 0, pack as u8, packed_so_far]);
            packed_so_far += 1;
        }
    }
    let at = (out.len() as u16).to_be_bytes();
    rows.push([1, at[0], at[1], 0]);
    let first = head.len();
    let content = [head.into_bytes(), body].concat();
    out.extend(format!("{pack} 0 obj\n").bytes());
    out.extend(packed(&format!("/Type /ObjStm /N {packed_so_far} /First {first}"), &content));
    out.extend(b"\nendobj\n");
    let places = out.len();
    rows.push([1, (places >> 8) as u8, places as u8, 0]);
    let mut table = Vec::new();
    let mut above = [0u8; 4];
    for row in &rows {
        table.push(2);
        table.extend(row.iter().zip(above).map(|(now, up)| now.wrapping_sub(up)));
        above = *row;
    }
    let entries = format!(
        "/Type /XRef /W [1 2 1] /Size {} /Root 1 0 R /DecodeParms << /Predictor 12 /Columns 4 >>",
        rows.len()
    );
    out.extend(format!("{} 0 obj\n", pack + 1).bytes());
    out.extend(packed(&entries, &table));
    out.extend(format!("\nendobj\nstartxref\n{places}\n%%EOF\n").bytes());
    out
}

#[test]
fn places_in_streams_are_followed() {
    let contents = drawn("1 g BT /F 12 Tf 72 650 Td (X Y) Tj ET");
    let bytes = modern(&Sample { contents: &contents, ..Sample::default() });
    let check = |read: Extracted| {
        assert_eq!((read.visible.as_str(), read.truncated), ("before\nafter", false));
        assert_eq!(read.hidden.len(), 1, "{read:?}");
    };
    check(extract(&bytes, ""));
    // Without the places, the objects are looked for.
    let cut = bytes.windows(9).rposition(|w| w == b"startxref").expect("it was written");
    check(extract(&bytes[..cut], ""));
    let junk = [b"junk\r\n".to_vec(), bytes].concat();
    check(extract(&junk, "application/pdf"));
}

#[test]
fn the_last_version_counts() {
    let mut bytes = file_of(&Sample::default().objects(), "");
    let first = bytes.windows(9).rposition(|w| w == b"startxref").expect("it was written");
    let before: usize = String::from_utf8_lossy(&bytes[first + 9..])
        .split_whitespace()
        .next()
        .expect("a number")
        .parse()
        .expect("one");
    let at = bytes.len();
    bytes.extend(b"4 0 obj\n");
    bytes.extend(stream("", b"BT /F 12 Tf 72 700 Td (newer) Tj ET"));
    bytes.extend(b"\nendobj\n");
    let table = bytes.len();
    bytes.extend(
        format!("xref\n4 1\n{at:010} 00000 n \ntrailer\n<< /Size 6 /Root 1 0 R /Prev {before} >>\nstartxref\n{table}\n%%EOF")
            .bytes(),
    );
    assert_eq!(extract(&bytes, "").visible, "newer");
    let wrong = String::from_utf8_lossy(&bytes).into_owned();
    assert!(wrong.contains("xref"));
    let broken: Vec<u8> = bytes.iter().map(|b| if *b == b'x' { b'y' } else { *b }).collect();
    assert_eq!(extract(&broken, "").visible, "newer", "found without tables");
}

#[test]
fn streams_are_opened_whatever_packs_them() {
    let text = b"BT /F 12 Tf 72 700 Td (packed) Tj ET";
    let hex: String = text.iter().fold(String::new(), |mut all, byte| {
        write!(all, "{byte:02x}").expect("a string");
        all
    });
    let mut base85 = String::from("<~");
    for group in text.chunks(4) {
        let mut four = [0u8; 4];
        four[..group.len()].copy_from_slice(group);
        let mut n = u32::from_be_bytes(four);
        let mut five = [0u8; 5];
        for digit in five.iter_mut().rev() {
            *digit = (n % 85) as u8 + b'!';
            n /= 85;
        }
        base85.extend(five[..=group.len()].iter().map(|b| char::from(*b)));
    }
    base85.push_str("~>");
    // Codes of nine bits: a clear table, one literal after the other, the end.
    let (mut bits, mut held, mut lzw) = (0u32, 0, Vec::new());
    for code in std::iter::once(256).chain(text.iter().map(|b| u32::from(*b))).chain([257]) {
        bits = (bits << 9) | code;
        held += 9;
        while held >= 8 {
            lzw.push((bits >> (held - 8)) as u8);
            held -= 8;
        }
    }
    lzw.push((bits << (8 - held)) as u8);
    let runs = [&[text.len() as u8 - 1][..], text, &[128]].concat();
    let twice: Vec<u8> = deflated(text).iter().flat_map(|b| format!("{b:02X}").into_bytes()).collect();
    for (filter, bytes) in [
        ("/ASCIIHexDecode", hex.as_bytes()),
        ("/ASCII85Decode", base85.as_bytes()),
        ("/LZWDecode", &lzw),
        ("/RunLengthDecode", &runs),
        ("[/AHx /Fl]", &twice),
    ] {
        let mut objects = Sample::default().objects();
        objects[3] = stream(&format!("/Filter {filter}"), bytes);
        assert_eq!(extract(&file_of(&objects, ""), "").visible, "packed", "{filter}");
    }
}

#[test]
fn hostile_files_end() {
    let nested = format!("{}1 0 obj {}", "%PDF-1.7\n", "[<<".repeat(200_000));
    assert!(extract(nested.as_bytes(), "").truncated);
    let cycle = Sample { contents: &"/Form Do ".repeat(2_000), ..Sample::default() };
    let mut objects = cycle.objects();
    // Forms that use the next one twice each: as many as can be stood on each other.
    for i in 0..40 {
        let next = 6 + (i + 1) % 40;
        let entries = format!("/Subtype /Form /Resources << /XObject << /Form {next} 0 R >> >>");
        objects.push(stream(&entries, "/Form Do /Form Do ".as_bytes()));
    }
    objects[2] = b"<< /Type /Page /Contents 4 0 R /Resources << /XObject << /Form 6 0 R >> >> >>".to_vec();
    assert!(extract(&file_of(&objects, ""), "").truncated);
    // A tree of pages that leads to itself, lengths that need themselves, a bomb.
    objects[1] = b"<< /Type /Pages /Kids [2 0 R 2 0 R 3 0 R] >>".to_vec();
    objects[3] = b"<< /Length 4 0 R >> stream\nBT ET\nendstream".to_vec();
    let _ = extract(&file_of(&objects, ""), "");
    let mut bomb = Sample::default().objects();
    let zeros = deflated(&vec![b' '; 80 << 20]);
    bomb[3] = stream("/Filter /FlateDecode", &zeros);
    assert!(extract(&file_of(&bomb, ""), "").truncated);
    let unclosed = "%PDF-1.4\n".to_owned() + &"1 0 obj << /Length 9 >> stream\n".repeat(20_000);
    assert!(extract(unclosed.as_bytes(), "").truncated);
    let _ = extract(("%PDF-1.4\n".to_owned() + &"1 0 obj (".repeat(100_000)).as_bytes(), "");
    let _ = extract(("%PDF-1.4\nstartxref 9 ".to_owned() + &"0 ".repeat(300_000)).as_bytes(), "");
}

/// Files of many kinds of parts, to be damaged.
fn whole_files() -> Vec<Vec<u8>> {
    let contents = drawn("/White cs 1 scn BT /F 12 Tf 72 650 Td [(X) -20 ( Y)] TJ ET /Form Do");
    let sample = Sample {
        contents: &contents,
        catalogue: LAYERS,
        page: "/Annots [<< /Contents (note) /AP << /N 9 0 R >> /Rect [0 0 9 9] >>]",
        resources: "/XObject << /Form 9 0 R >> /ColorSpace << /White [/Indexed /DeviceRGB 1 <000000fefefe>] >>",
        trailer: "/Info << /Title (a) >>",
        more: [
            layers(),
            vec![stream("/Subtype /Form /BBox [0 0 9 9]", b"q BT /F 9 Tf (f) Tj ET Q BI /W 1 ID x EI")],
        ]
        .concat(),
    };
    let mut plain = sample.objects();
    plain[3] = stream("", contents.as_bytes());
    vec![file_of(&plain, sample.trailer), modern(&sample)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_read_without_a_panic(
        which in 0usize..2,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
        moved in prop::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1usize..60)),
    ) {
        let mut bytes = whole_files().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((from, to, length)) = moved {
            let from = from.index(bytes.len());
            let piece = bytes[from..bytes.len().min(from + length)].to_vec();
            let to = to.index(bytes.len());
            bytes.splice(to..to, piece);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = extract(&bytes, "application/pdf");
    }

    #[test]
    fn any_contents_are_read_without_a_panic(
        contents in "(q |Q |BT |ET |/F 12 Tf |/F 1e9 Tf |\\(a\\) Tj |\\[\\(b\\) -99999999 <63>\\] TJ |1 g |/P cs |0 scn |[0-9]{1,12} |-[0-9.]{1,4} |Td |Tm |cm |re |f |W n |m |l |h |c |/Form Do |/OC /A BDC |EMC |BI |ID |EI |<<|>>|\\[|\\]|<|\\(|%|/){0,60}",
    ) {
        let _ = of_page(&contents, "/XObject << /Form 9 0 R >> /Properties << /A 6 0 R >>", LAYERS, layers());
    }
}
