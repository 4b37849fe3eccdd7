//! What a page runs when it shows a notebook: scripts, handlers, frames.
//!
//! Plotting libraries bring long scripts, which draw; what reaches for the page's secrets, the notebook's kernel or the
//! network does not draw.

use proofhouse_core::Place;

use crate::scanner::Scanner;

/// What a script that only draws has no use for.
const REACHES: [&str; 13] = [
    "document.domain",
    "document.cookie",
    "kernel.execute",
    "localStorage",
    "sessionStorage",
    "XMLHttpRequest",
    "fetch(",
    "sendBeacon",
    "eval(atob",
    "WebSocket(",
    "window.opener",
    "document.location",
    "top.location",
];

/// Whose pages notebooks show in frames: videos, plots and boards.
const FRAMED: [&str; 14] = [
    "https://www.youtube.com/",
    "https://www.youtube-nocookie.com/",
    "https://player.vimeo.com/",
    "https://wandb.ai/",
    "https://plotly.com/",
    "https://chart-studio.plotly.com/",
    "https://colab.research.google.com/",
    "https://www.kaggle.com/",
    "https://huggingface.co/",
    "https://docs.google.com/",
    "https://www.google.com/search",
    "https://formspree.io/",
    "http://localhost",
    "http://127.0.0.1",
];

/// Markup, with the scripts inside of it. A frame may bring a page of its own in an attribute, where it is spelt with
/// entities.
pub(crate) fn markup(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    let text = if text.contains('&') { unescaped(text) } else { text.to_owned() };
    let lower = text.to_ascii_lowercase();
    if let Some(address) = framed(&lower) {
        let message = format!("what is shown has a frame, a form or a redirection to {address:?}");
        scanner.report("notebook/script", place.clone(), message);
    }
    if let Some(address) = scripted(&lower) {
        let message = format!("what is shown takes a script from {address:?}");
        scanner.report("notebook/script", place.clone(), message);
    }
    if lower.contains("<script") || lower.contains("javascript:") || has_handler(&lower) {
        script(scanner, place, &text);
    }
}

pub(crate) fn script(scanner: &mut Scanner<'_>, place: &Place, text: &str) {
    match reaches(text) {
        Some(name) => {
            scanner.report(
                "notebook/script",
                place.clone(),
                format!("a script in what the page shows uses {name}"),
            );
        }
        None => scanner.report("notebook/script-shown", place.clone(), "a script in what the page shows"),
    }
}

/// What of a page's secrets or of the network a text names.
pub(crate) fn reaches(text: &str) -> Option<&'static str> {
    REACHES.into_iter().find(|name| text.contains(name))
}

/// Whose scripts plots and widgets take.
const SCRIPTS: [&str; 20] = [
    "cdn.plot.ly",
    "cdn.bokeh.org",
    "cdn.pydata.org",
    "cdn.jsdelivr.net",
    "cdn.holoviz.org",
    "cdn.mathjax.org",
    "cdn.datatables.net",
    "cdnjs.cloudflare.com",
    "unpkg.com",
    "ajax.googleapis.com",
    "www.gstatic.com",
    "code.jquery.com",
    "d3js.org",
    "esm.sh",
    "esm.run",
    "maxcdn.bootstrapcdn.com",
    "stackpath.bootstrapcdn.com",
    "netdna.bootstrapcdn.com",
    "polyfill-fastly.io",
    "raw.githack.com",
];

/// The address of a script that comes from a host whose scripts no plot takes.
fn scripted(lower: &str) -> Option<&str> {
    lower.match_indices("<script").find_map(|(at, _)| {
        let tag = lower.get(at..)?.split('>').next()?;
        let after = tag.split_once("src=")?.1.trim_start_matches(['"', '\'', ' ']);
        let address = after.split(['"', '\'', ' ', '>']).next()?;
        let rest =
            address.split_once("//").filter(|(scheme, _)| matches!(*scheme, "" | "http:" | "https:"))?.1;
        let host = rest.split(['/', ':', '?']).next()?;
        let own = host.starts_with("localhost") || host.starts_with("127.");
        (!own && !SCRIPTS.contains(&host)).then_some(address)
    })
}

/// Tags that bring or send a page elsewhere, and the attribute with the address.
const LEADING: [(&str, &str); 5] =
    [("<iframe", "src="), ("<object", "data="), ("<embed", "src="), ("<form", "action="), ("<meta", "url=")];

/// The address of a frame, a form or a redirection that is nobody's whose pages notebooks show.
fn framed(lower: &str) -> Option<&str> {
    LEADING.iter().find_map(|(tag, attribute)| {
        lower.match_indices(tag).find_map(|(at, _)| {
            let tag = lower.get(at..)?.split('>').next()?;
            let after = tag.split_once(attribute)?.1.trim_start_matches(['"', '\'', ' ']);
            let address = after.split(['"', '\'', ' ', '>']).next()?;
            let elsewhere = address.starts_with("http") || address.starts_with("//");
            (elsewhere && !FRAMED.iter().any(|known| address.starts_with(known))).then_some(address)
        })
    })
}

/// Whether a tag has an attribute `on…=`.
fn has_handler(lower: &str) -> bool {
    lower.split('<').skip(1).any(|tag| {
        let tag = tag.split('>').next().unwrap_or_default();
        tag.starts_with(|c: char| c.is_ascii_alphabetic())
            && tag.split(|c: char| c.is_ascii_whitespace() || c == '/').skip(1).any(|attribute| {
                let name = attribute.split('=').next().unwrap_or_default();
                attribute.contains('=')
                    && name.len() > 4
                    && name.starts_with("on")
                    && name.bytes().all(|b| b.is_ascii_lowercase())
            })
    })
}

fn unescaped(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_and_frames_are_told_from_texts() {
        assert!(has_handler("<details open ontoggle=\"x()\">") && has_handler("<svg/onload=x>"));
        assert!(!has_handler("<p class=\"one\">on = 1</p>") && !has_handler("a < b onload=x"));
        assert_eq!(framed("<iframe width=\"3\" src=\"http://a.example/x\">"), Some("http://a.example/x"));
        assert_eq!(framed("<iframe src='https://www.youtube.com/embed/x'>"), None);
        assert_eq!(framed("<iframe src='figure.html'>"), None);
        let form = "<form method=post action='https://a.example/login'>";
        assert_eq!(framed(form), Some("https://a.example/login"));
        let refresh = "<meta http-equiv=\"refresh\" content=\"0;url=https://a.example/\">";
        assert_eq!(framed(refresh), Some("https://a.example/"));
        assert_eq!(framed("<object data=\"//a.example/x\">"), Some("//a.example/x"));
        assert_eq!(framed("<form action=\"/search\"><meta charset=utf-8>"), None);
        assert_eq!(scripted("<script src='https://a.example/x.js'>"), Some("https://a.example/x.js"));
        assert_eq!(scripted("<script src=\"https://cdn.plot.ly/plotly.js\"></script>"), None);
        assert_eq!(scripted("<script src=\"figure.js\"></script>"), None);
        assert_eq!(unescaped("&lt;script&gt;"), "<script>");
    }
}
