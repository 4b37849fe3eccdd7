//! Places of a document that readers do not look at and text extraction does.

use super::{Converter, Kind};

pub(super) static COMMENT: Converter = Converter {
    id: "html-comment",
    title: "HTML comment",
    kind: Kind::Wrapper,
    hint: &[],
    convert: |text, _| format!("<p>Opening hours as usual.</p><!-- {text} --><p>See you soon.</p>"),
    undo: None,
};

pub(super) static DISPLAY_NONE: Converter = Converter {
    id: "html-none",
    title: "Element that is not displayed",
    kind: Kind::Wrapper,
    hint: &[],
    convert: |text, dice| {
        let style = dice.text(&[
            "style=\"display:none\"",
            "hidden",
            "style='visibility: hidden'",
            "style=\"opacity:0;height:0\"",
            "style=\"DISPLAY : none !important\"",
        ]);
        format!("<div>Opening hours as usual.<span {style}>{text}</span></div>")
    },
    undo: None,
};

pub(super) static OFF_SCREEN: Converter = Converter {
    id: "html-off-screen",
    title: "Element outside the page or without size",
    kind: Kind::Wrapper,
    hint: &[],
    convert: |text, dice| {
        let style = dice.text(&[
            "position:absolute;left:-9999px",
            "position:fixed; top:-200vh",
            "font-size:0",
            "text-indent:-500em;overflow:hidden",
            "clip-path:inset(100%);position:absolute",
            "transform:scale(0)",
        ]);
        format!("<p>Opening hours as usual.</p><div style=\"{style}\">{text}</div>")
    },
    undo: None,
};

pub(super) static WHITE: Converter = Converter {
    id: "html-white",
    title: "White on white, or nearly",
    kind: Kind::Wrapper,
    hint: &[],
    convert: |text, dice| {
        let style = dice.text(&[
            "color:#fff;background:#fff",
            "color:white;background-color:#ffffff",
            "color:#fefefe;background:white;font-size:1px",
            "color:rgba(0,0,0,0)",
        ]);
        format!("<section style=\"{style}\">{text}</section><p>Opening hours as usual.</p>")
    },
    undo: None,
};

pub(super) static ATTRIBUTE: Converter = Converter {
    id: "html-attribute",
    title: "Attribute that is read aloud or not at all",
    kind: Kind::Wrapper,
    hint: &[],
    convert: |text, dice| {
        let text = text.replace('"', "&quot;");
        match dice.below(4) {
            0 => format!("<img src=\"tea.png\" alt=\"{text}\">"),
            1 => format!("<button aria-label=\"{text}\">OK</button>"),
            2 => format!("<a href=\"/hours\" title=\"{text}\">Opening hours</a>"),
            _ => format!("<meta name=\"description\" content=\"{text}\"><p>Opening hours as usual.</p>"),
        }
    },
    undo: None,
};

pub(super) static STYLE_CLASS: Converter = Converter {
    id: "html-class",
    title: "Hidden by a class of a style sheet",
    kind: Kind::Wrapper,
    hint: &[],
    convert: |text, dice| {
        let class = dice.text(&["note", "x1", "sr", "legal"]);
        let rule =
            dice.text(&["display:none", "position:absolute;left:-10000px", "font-size:0;color:transparent"]);
        format!(
            "<style>.{class}{{{rule}}}</style><p>Opening hours as usual.</p><p class=\"{class}\">{text}</p>"
        )
    },
    undo: None,
};

pub(super) static MARKDOWN: Converter = Converter {
    id: "markdown-hidden",
    title: "Markdown that renders as nothing",
    kind: Kind::Wrapper,
    hint: &[],
    convert: |text, dice| {
        let line = text.replace('\n', " ");
        match dice.below(3) {
            0 => format!("Opening hours as usual.\n\n[//]: # ({line})\n"),
            1 => format!("Opening hours as usual.\n\n[ref]: https://docs.invalid/ \"{line}\"\n"),
            _ => format!("![{line}](pixel.png)\n\nOpening hours as usual."),
        }
    },
    undo: None,
};
