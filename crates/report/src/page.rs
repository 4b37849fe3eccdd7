//! The frame of the page: head, table of contents, summary, sections.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use proofhouse_core::Digest;

use crate::anchor::Anchors;
use crate::input::Examination;
use crate::section::Section;
use crate::{ReportInput, number, section};

const STYLE: &str = include_str!("style.css");

pub fn render(input: &ReportInput) -> String {
    let anchors = Anchors::new(input);
    let frame = Frame {
        title: format!("{}: assurance report", input.system.name),
        head: section::summary(input),
        sections: section::all(input, &anchors),
        footer: html! {
            "Made by " (input.tool) " on " (number::moment(input.generated_at)) " from run " code { (input.run) } "."
        },
    };
    visible(&document(&frame).into_string())
}

/// The page about one examination.
pub fn examination(input: &Examination) -> String {
    let frame = Frame {
        title: input.title.clone(),
        head: section::examination::head(input),
        sections: section::examination::sections(input),
        footer: html! { "Made by " (input.tool) "." },
    };
    visible(&document(&frame).into_string())
}

/// What stands in the frame.
struct Frame {
    title: String,
    head: Markup,
    sections: Vec<Section>,
    footer: Markup,
}

fn document(frame: &Frame) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (frame.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the report" }
                div.page {
                    nav.contents aria-label="Contents" {
                        p { a href="#top" { "Summary" } }
                        ol {
                            @for section in &frame.sections { li { a href={ "#" (section.id) } { (section.title) } } }
                        }
                    }
                    main id="content" {
                        (frame.head)
                        @for section in &frame.sections {
                            section id=(section.id) aria-labelledby={ (section.id) "-heading" } {
                                h2 id={ (section.id) "-heading" } { (section.title) }
                                (section.body)
                            }
                        }
                        footer { (frame.footer) }
                    }
                }
            }
        }
    }
}

/// Nothing may be loaded or run; the one style sheet is named by its hash, so that no other applies.
fn content_security_policy() -> String {
    let hash = STANDARD.encode(Digest::of(STYLE.as_bytes()).as_bytes());
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

/// Writes out control characters and those that reorder or hide text, so that a name cannot make the
/// page read other than it is (CVE-2021-42574). The page's own text has none, so each comes from outside.
fn visible(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    for c in page.chars() {
        let hides = matches!(c,
            '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        if hides {
            // Writing to a String cannot fail.
            let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_needs_nothing_from_elsewhere_and_no_escaping() {
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains("</"));
        assert_eq!(visible(STYLE), STYLE);
    }

    #[test]
    fn text_that_hides_itself_is_written_out() {
        assert_eq!(visible("a\u{202e}b\u{0}c\nd"), "a⟨U+202E⟩b⟨U+0000⟩c\nd");
    }
}
