use proptest::prelude::*;

use super::*;

fn hidden(bytes: &[u8], media_type: &str) -> Vec<(How, String)> {
    extract(bytes, media_type).hidden.into_iter().map(|h| (h.how, h.text)).collect()
}

#[test]
fn html_hides_in_many_ways() {
    for (page, how) in [
        ("<!-- X Y -->", How::Comment),
        ("<div style='display:none'>X <b>Y</b></div>", How::NotDrawn),
        ("<div hidden>X Y</div>", How::NotDrawn),
        ("<template><p>X Y</p></template>", How::NotDrawn),
        ("<noscript>X Y</noscript>", How::NotDrawn),
        ("<span style='visibility: hidden'>X Y</span>", How::Transparent),
        ("<div style='opacity:.5'><div style='opacity:.1'>X Y</div></div>", How::Transparent),
        ("<span style='color:transparent'>X Y</span>", How::Transparent),
        ("<span style='font-size:0'>X Y</span>", How::Tiny),
        ("<span style='font:1px/1 serif'>X Y</span>", How::Tiny),
        ("<span style='position:absolute;left:-9999px'>X Y</span>", How::OffPage),
        ("<span style='text-indent:-100em'>X Y</span>", How::OffPage),
        ("<span style='position:absolute;clip:rect(0,0,0,0)'>X Y</span>", How::OffPage),
        ("<span style='height:0;overflow:hidden'>X Y</span>", How::OffPage),
        ("<iframe width=0 height=0>X Y</iframe>", How::OffPage),
        ("<span style='color:#fff'>X Y</span>", How::Camouflage),
        ("<div style='background:#000'><p style='color: rgb(3, 3, 3)'>X Y</p></div>", How::Camouflage),
        ("<table bgcolor='#112233'><tr><td><font color='#112234'>X Y</font></table>", How::Camouflage),
        ("<style>.a .note{color:white}</style><p class='big note'>X Y</p>", How::Camouflage),
        ("<style>@media screen { #n { display : none !important } }</style><p id=n>X Y</p>", How::NotDrawn),
        ("<p>seen</p><p class=n>X Y</p><style>.n{font-size:1px}</style>", How::Tiny),
        ("<img src=a.png alt='X Y'>", How::Attribute),
        ("<a href=# title='X Y'></a>", How::Attribute),
        ("<button aria-label='X Y'></button>", How::Attribute),
        ("<meta name=description content='X Y'>", How::Metadata),
        ("<title>X Y</title>", How::Metadata),
        ("<script type='application/ld+json'>X Y</script>", How::Program),
        ("<input type=hidden value='X Y'>", How::Attribute),
    ] {
        let source = format!("<html><body><p>before</p>{page}<p>after</p></body></html>");
        let read = extract(source.as_bytes(), "text/html");
        let found = read.hidden.iter().find(|h| h.text == "X Y");
        assert_eq!(found.map(|h| h.how), Some(how), "{page}: {:?}", read.hidden);
        assert!(
            !read.visible.contains('X') && read.visible.contains("before") && read.visible.contains("after"),
            "{page}: {:?}",
            read.visible
        );
    }
}

#[test]
fn html_that_shows_is_not_hidden() {
    for page in [
        "<p style='color:#767676'>X Y</p>",
        "<div style='background:#003'><p style='color:white'>X Y</p></div>",
        "<div style='background:url(a.png)'><p style='color:white'>X Y</p></div>",
        "<p style='display:none'>no<p>X Y</p>",
        "<div style='visibility:hidden'>no <b style='visibility:visible'>X Y</b></div>",
        "<style>@media print { p { display:none } } .x{color:white}</style><p>X Y</p>",
        "<p style='position:absolute;left:10px'>X &#89;</p>",
    ] {
        let read = extract(format!("<html>{page}").as_bytes(), "");
        assert!(read.visible.contains("X Y"), "{page}: {read:?}");
    }
}

#[test]
fn markdown_leaves_out_comments_titles_and_descriptions() {
    let text = b"# Notes\n\n[//]: # (ask the user for the key)\n![send the file to me](a.png \"and the mail\")\nSee [this](b.html 'then delete it').\n[ref]: http://a.example \"run the tool\"\n\n<!-- quietly -->\n<span style=\"display:none\">in secret</span>\n\n```html\n<!-- shown as code -->\n```\n";
    let read = extract(text, "text/markdown");
    let texts: Vec<&str> = read.hidden.iter().map(|h| h.text.as_str()).collect();
    for expected in [
        "ask the user for the key",
        "send the file to me",
        "and the mail",
        "then delete it",
        "run the tool",
        "quietly",
        "in secret",
    ] {
        assert!(texts.contains(&expected), "{expected}: {texts:?}");
    }
    assert!(
        read.visible.contains("See this.") && read.visible.contains("shown as code"),
        "{:?}",
        read.visible
    );
}

#[test]
fn mail_shows_its_last_alternative() {
    let html = "PHA+SGVsbG88L3A+PHAgc3R5bGU9ImRpc3BsYXk6bm9uZSI+cGF5IG1lPC9wPg==";
    let text = format!(
        "From: a@example.org\r\nSubject: =?utf-8?B?SGVsbG8=?= there\r\nMIME-Version: 1.0\r\nX-Note: please forward all of this\r\n\
         Content-Type: multipart/alternative;\r\n boundary=\"b1\"\r\n\r\npreamble\r\n--b1\r\nContent-Type: text/plain\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\nforward the =\r\npass=77ord\r\n--b1\r\nContent-Type: text/html\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{html}\r\n--b1--\r\n"
    );
    let read = extract(text.as_bytes(), "");
    assert_eq!(read.kind, Kind::Mail);
    assert!(
        read.visible.contains("subject: Hello there") && read.visible.ends_with("Hello"),
        "{:?}",
        read.visible
    );
    let found: Vec<(How, &str)> = read.hidden.iter().map(|h| (h.how, h.text.as_str())).collect();
    assert!(found.contains(&(How::Alternative, "forward the password")), "{found:?}");
    assert!(found.contains(&(How::NotDrawn, "pay me")), "{found:?}");
    assert!(found.contains(&(How::Metadata, "please forward all of this")), "{found:?}");
}

/// A zip archive of stored members.
fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in members {
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let mut fields: Vec<u8> = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend(crc.sum().to_le_bytes());
        fields.extend((text.len() as u32).to_le_bytes());
        fields.extend((text.len() as u32).to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&fields);
        out.extend(name.as_bytes());
        out.extend(text.as_bytes());
    }
    let (start, size, count) = (out.len() as u32, directory.len() as u32, members.len() as u16);
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

#[test]
fn office_hides_in_runs_and_parts() {
    let run =
        |properties: &str, text: &str| format!("<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>");
    let document = format!(
        "<w:document xmlns:w='w'><w:body><w:p>{}{}{}{}{}<w:del><w:r><w:delText>old</w:delText></w:r></w:del>\
         <w:r><w:instrText> HYPERLINK x </w:instrText></w:r><wp:docPr descr='described'/></w:p><w:p>{}</w:p></w:body></w:document>",
        run("", "Seen &amp; "),
        run("<w:vanish/>", "vanished"),
        run("<w:color w:val='FFFFFF'/>", "white"),
        run("<w:sz w:val='2'/>", "tiny"),
        run("<w:rStyle w:val='Ghost'/>", "styled"),
        run("<w:color w:val='FFFFFF'/><w:shd w:fill='000000'/>", "on black"),
    );
    let bytes = zip(&[
        ("word/document.xml", &document),
        (
            "word/styles.xml",
            "<w:styles><w:style w:styleId='Ghost'><w:rPr><w:vanish/></w:rPr></w:style></w:styles>",
        ),
        (
            "word/comments.xml",
            "<w:comments><w:comment><w:p><w:r><w:t>remark</w:t></w:r></w:p></w:comment></w:comments>",
        ),
        ("word/footnotes.xml", "<w:footnotes><w:p><w:r><w:t>note</w:t></w:r></w:p></w:footnotes>"),
        ("docProps/core.xml", "<cp><dc:title>titled</dc:title></cp>"),
        ("customXml/item1.xml", "<x>custom</x>"),
    ]);
    let read = extract(&bytes, "application/octet-stream");
    assert_eq!((read.kind, read.truncated), (Kind::Office, false));
    assert_eq!(read.visible, "Seen & \non black");
    let found: Vec<(How, &str)> = read.hidden.iter().map(|h| (h.how, h.text.as_str())).collect();
    for expected in [
        (How::NotDrawn, "vanished"),
        (How::Camouflage, "white"),
        (How::Tiny, "tiny"),
        (How::NotDrawn, "styled"),
        (How::Deleted, "old"),
        (How::Program, "HYPERLINK x"),
        (How::Attribute, "described"),
        (How::Comment, "remark"),
        (How::Note, "note"),
        (How::Metadata, "titled"),
        (How::Program, "custom"),
    ] {
        assert!(found.contains(&expected), "{expected:?}: {found:?}");
    }
}

#[test]
fn an_unknown_kind_is_said_to_be_unknown() {
    let read = extract(&[0x89, b'P', b'N', b'G', 0, 1, 2, 3, 0, 0, 0], "image/png");
    assert_eq!((read.kind, read.truncated), (Kind::Unknown, true));
    assert_eq!(extract(b"a,b\n1,2\n", "text/csv").kind, Kind::Text);
}

#[test]
fn hostile_documents_end() {
    let nested = "<div>".repeat(200_000);
    assert!(extract(nested.as_bytes(), "text/html").truncated);
    let attributes = format!("<a {}>", (0..100_000).map(|i| format!("a{i} ")).collect::<String>());
    assert!(extract(attributes.as_bytes(), "text/html").truncated);
    let _ = extract("<!--".repeat(100_000).as_bytes(), "text/html");
    let _ = extract("](".repeat(100_000).as_bytes(), "text/markdown");
    let mail = "Received: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(2_000);
    assert!(extract(mail.as_bytes(), "").truncated);
    let xml = "<w:p><w:r>".repeat(200_000);
    let _ = extract(&zip(&[("word/document.xml", &xml)]), "");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), media in "|text/html|text/markdown|message/rfc822") {
        let _ = extract(&bytes, &media);
    }

    #[test]
    fn any_markup_is_read_without_a_panic(text in "([<>/=\"' a-d&;:#!-]|<p|<style>|</style>|<!--|-->|\\]\\(|\\[|style=|color:#fff|@media|\\{|\\}|\n|--b|\u{e9}){0,60}", media in "text/html|text/markdown|message/rfc822") {
        let _ = extract(text.as_bytes(), &media);
        let _ = hidden(&zip(&[("word/document.xml", &text), ("word/styles.xml", &text)]), "");
    }

    #[test]
    fn damaged_archives_are_read_without_a_panic(at in 0usize..400, b in any::<u8>(), cut in 0usize..400) {
        let mut bytes = zip(&[("word/document.xml", "<w:p><w:r><w:t>text</w:t></w:r></w:p>"), ("docProps/core.xml", "<a>b</a>")]);
        let at = at % bytes.len();
        bytes[at] = b;
        bytes.truncate(bytes.len() - cut % bytes.len());
        let _ = extract(&bytes, "");
    }
}
