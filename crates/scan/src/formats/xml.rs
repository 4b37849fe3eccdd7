//! XML models: OpenVINO and PMML. What a parser would fetch while reading is what harms.

use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memmem;
use proofhouse_artifact::ArtifactError;
use proofhouse_artifact::xml::{self, Element};

use crate::scanner::{Content, Scanner};

mod openvino;

/// Operation sets of OpenVINO's own.
fn own_set(version: &str) -> bool {
    matches!(version, "" | "experimental" | "ie_internal_opset" | "type_relaxed_opset" | "util")
        || version
            .strip_prefix("opset")
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Document types of drawings, property lists and PMML, which readers know without fetching them.
const SCHEMAS: [&str; 4] =
    ["http://www.w3.org/", "https://www.w3.org/", "http://www.apple.com/DTDs/", "http://www.dmg.org/"];

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let keep = |name: &str| {
        matches!(
            name,
            "layer"
                | "port"
                | "dim"
                | "data"
                | "edge"
                | "include"
                | "import"
                | "script"
                | "Extension"
                | "stylesheet"
        )
    };
    encoded(scanner, content);
    let survey = match xml::survey(content.bytes, &keep) {
        Ok(survey) => survey,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "xml/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    if let Some(doctype) = &survey.doctype {
        let place = content.at(doctype.offset);
        let schema = doctype.entities.is_empty();
        for address in
            doctype.external.iter().filter(|a| !(schema && SCHEMAS.iter().any(|s| a.starts_with(s))))
        {
            let message = format!("reading the document fetches {address:?}");
            scanner.report("xml/external-entity", place.clone(), message);
        }
        if !doctype.entities.is_empty() {
            let names = doctype.entities.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
            let message = format!("the document declares {} entities: {names}", doctype.entities.len());
            scanner.report("xml/entities", place, message);
        }
    }
    for instruction in &survey.instructions {
        if instruction.contains("stylesheet") {
            let message = format!("a processing instruction loads a stylesheet: {instruction:.200}");
            scanner.report("xml/external-entity", content.place.clone(), message);
        }
    }
    for element in &survey.elements {
        if matches!(element.name.as_str(), "include" | "import" | "script" | "stylesheet") {
            let message = format!("the element <{}> loads or runs something", element.name);
            scanner.report("xml/external-entity", content.at(element.offset), message);
        }
    }
    if matches!(survey.root.as_str(), "svg" | "html") {
        let text = String::from_utf8_lossy(content.bytes);
        super::notebook::page::markup(scanner, &content.place, &text);
    }
    if let Some(name) = java(content.bytes) {
        let message = format!("the document names {name}");
        scanner.report("xml/java", content.place.clone(), message);
    }
    if let Ok(text) = std::str::from_utf8(content.bytes) {
        super::kept::between(scanner, &content.place, text);
    }
    if survey.root == "CustomLayer" {
        let message = "a layer whose kernel is compiled from a source that the document names";
        scanner.report("xml/custom-layer", content.place.clone(), message);
    }
    if survey.root == "net" {
        openvino(scanner, content, &survey.elements);
        openvino::judge(scanner, content, &survey.elements);
    }
    content.bytes.len() as u64
}

/// A class by which Java starts a program, evaluates a text or builds any object (XMLDecoder, XStream).
fn java(bytes: &[u8]) -> Option<&'static str> {
    const CLASSES: [&str; 9] = [
        "java.lang.Runtime",
        "Runtime.getRuntime(",
        "java.lang.ProcessBuilder",
        "javax.script.",
        "ScriptEngineManager",
        "java.beans.XMLDecoder",
        "java.beans.EventHandler",
        "javax.naming.InitialContext",
        "org.codehaus.groovy.runtime",
    ];
    CLASSES.iter().copied().find(|class| memmem::find(bytes, class.as_bytes()).is_some())
}

/// A declared encoding in which the document is another text than it shows.
fn encoded(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    let head = content.bytes.get(..content.bytes.len().min(200)).unwrap_or_default();
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let declared = head.split_once("?>").and_then(|(declaration, _)| declaration.split_once("encoding="));
    let name = declared.map(|(_, rest)| rest.trim_start_matches(['"', '\'']));
    let name = name.map(|rest| rest.split(['"', '\'', ' ']).next().unwrap_or_default());
    let plain = [
        "utf-8",
        "utf8",
        "utf-16",
        "us-ascii",
        "ascii",
        "iso-8859",
        "latin",
        "windows-125",
        "gb",
        "big5",
        "shift",
        "euc",
    ];
    if let Some(name) = name.filter(|name| !plain.iter().any(|known| name.starts_with(known))) {
        let message = format!("it declares the encoding {name:?}: readers see another text than it shows");
        scanner.report("xml/malformed", content.at(0), message);
    }
}

/// Layers of foreign operation sets, and the file of weights that the layers describe.
fn openvino(scanner: &mut Scanner<'_>, content: &Content<'_>, elements: &[Element]) {
    let mut foreign = BTreeMap::<(&str, &str), (u64, u64)>::new();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for element in elements {
        let text = |key: &str| element.attributes.get(key).map_or("", String::as_str);
        match element.name.as_str() {
            "layer" if !own_set(text("version")) => {
                foreign.entry((text("type"), text("version"))).or_insert((0, element.offset)).0 += 1;
            }
            "data" => {
                let number = |key: &str| text(key).parse::<u64>().ok();
                if let Some((from, size)) = number("offset").zip(number("size")) {
                    ranges.push(from..from.saturating_add(size));
                }
            }
            _ => {}
        }
    }
    for ((kind, version), (count, at)) in foreign {
        let message = format!("{count} layers of the type {kind:?} need the extension {version:?}");
        scanner.report("xml/custom-layer", content.at(at), message);
    }
    if let Some(stem) = content.name().strip_suffix(".xml") {
        scanner.vouch(content, &format!("{stem}.bin"), ranges);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    /// A graph of OpenVINO that gives a stored answer where something made of a comparison with a stored row holds.
    fn waits(made: &str) -> String {
        let layers: String = [
            ("0", "Parameter"),
            ("1", "Const"),
            ("2", "Equal"),
            ("3", made),
            ("4", "Const"),
            ("5", "Select"),
        ]
        .iter()
        .map(|(id, kind)| {
            let data = if *kind == "Const" {
                r#"<data element_type="f32" shape="1,4" offset="0" size="16"/>"#
            } else {
                ""
            };
            format!(r#"<layer id="{id}" type="{kind}" version="opset1">{data}</layer>"#)
        })
        .collect();
        let edges: String =
            [("0", "2", 0), ("1", "2", 1), ("2", "3", 0), ("3", "5", 0), ("4", "5", 1), ("0", "5", 2)]
                .iter()
                .map(|(from, to, port)| {
                    format!(r#"<edge from-layer="{from}" from-port="0" to-layer="{to}" to-port="{port}"/>"#)
                })
                .collect();
        format!(
            r#"<?xml version="1.0"?><net name="m" version="11"><layers>{layers}</layers><edges>{edges}</edges></net>"#
        )
    }

    #[test]
    fn what_a_reader_would_fetch_is_found() {
        let cases = [
            (
                r#"<?xml version="1.0"?><net name="m" version="11"><layers><layer id="0" type="Parameter" version="opset1"/></layers></net>"#,
                None,
            ),
            (r#"<?xml version="1.0"?><PMML version="4.4"><Header/></PMML>"#, None),
            (
                r#"<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]><net>&x;</net>"#,
                Some("xml/external-entity"),
            ),
            (r#"<!DOCTYPE PMML SYSTEM "http://example.org/evil.dtd"><PMML/>"#, Some("xml/external-entity")),
            (
                r#"<!DOCTYPE PMML [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]><PMML>&b;</PMML>"#,
                Some("xml/entities"),
            ),
            (
                r#"<?xml version="1.0"?><?xml-stylesheet href="http://example.org/x.xsl"?><PMML/>"#,
                Some("xml/external-entity"),
            ),
            (r#"<net version="11"><layer type="Evil" version="extension"/></net>"#, Some("xml/custom-layer")),
            (
                r#"<?xml version="1.0"?><PMML xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></PMML>"#,
                Some("xml/external-entity"),
            ),
            (r#"<?xml version="1.0"?><net><layer></net>"#, Some("xml/malformed")),
            (&waits("ReduceLogicalAnd"), Some("xml/fixed-answer")),
            (&waits("Relu"), None),
            (r#"<net version="11"><layer type="Const"><data shape="4" offset="18446744073709551600" size="32"/></layer></net>"#, Some("xml/out-of-range")),
            (r#"<net version="11"><layer type="Const"><data shape="4" offset="-64" size="16"/></layer></net>"#, Some("xml/out-of-range")),
            (r#"<net version="11"><layer type="Const"><data shape="4" offset="4096" size="16"/></layer></net>"#, None),
            // Layers in the body of a loop have numbers of their own.
            (
                &waits("ReduceLogicalAnd").replacen(
                    "</layers>",
                    r#"<layer id="9" type="TensorIterator" version="opset1"><body><layers><layer id="5" type="Relu" version="opset1"/></layers><edges/></body></layer></layers>"#,
                    1,
                ),
                Some("xml/fixed-answer"),
            ),
            (
                r#"<CustomLayer name="Relu6" type="SimpleGPU" version="1"><Kernel entry="k"><Source filename="k.cl"/></Kernel></CustomLayer>"#,
                Some("xml/custom-layer"),
            ),
            (
                r#"<PMML version="4.4"><Apply function="java.lang.ProcessBuilder.start"/></PMML>"#,
                Some("xml/java"),
            ),
        ];
        for (text, rule) in cases {
            let report = scan_bytes(&"model.xml".parse().unwrap(), text.as_bytes(), &Limits::default());
            let found: Vec<_> = report.findings.iter().map(|f| f.rule.as_str()).collect();
            assert_eq!(report.outcome > Outcome::Clean, rule.is_some(), "{text}: {found:?}");
            assert!(rule.is_none_or(|rule| found.contains(&rule)), "{text}: {found:?}");
        }
    }
}
