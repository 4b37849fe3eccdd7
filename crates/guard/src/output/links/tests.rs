//! Links in every kind of markup: one that fires, one that does not.

use super::super::{Action, Confidential, Filter, OutputRules};
use crate::link::LinkRules;

fn scan(text: &str) -> (String, Vec<&'static str>) {
    let links = LinkRules::to(["help.example"]).unwrap();
    // Some of these tags act in other ways, too.
    let actions = [("active".to_owned(), Action::Ignore)].into_iter().collect();
    let filter = Filter::new(&OutputRules { actions, links, ..OutputRules::default() });
    let released = filter.scan(&Confidential::new(), text);
    let found = released.findings.iter().map(|f| f.rule).filter(|r| r.starts_with("link/")).collect();
    (released.text, found)
}

#[test]
fn links_are_found_in_every_markup() {
    for (text, rule) in [
        ("see https://evil.net/x for more", "link/host"),
        ("see www.evil.net/x.", "link/host"),
        ("<https://evil.net>", "link/host"),
        ("(https://evil.net/a)", "link/host"),
        ("[a](https://evil.net/a \"t\")", "link/host"),
        ("[a](//evil.net/a)", "link/host"),
        ("[a]( <https://evil.net/a b> )", "link/host"),
        ("[a](https\\://evil.net)", "link/host"),
        ("[a](&#104;ttps&colon;//evil.net)", "link/host"),
        ("[a](javascript:alert(1))", "link/scheme"),
        ("[a](java&Tab;script:alert(1))", "link/scheme"),
        ("[a](data:text/html;base64,PHA+)", "link/scheme"),
        ("![a](https://evil.net/p.png)", "link/image"),
        ("[![a](https://evil.net/p.png)](https://help.example)", "link/image"),
        ("![a][r]\n\n[r]: https://evil.net/p.png", "link/image"),
        ("[r]: <//evil.net/p.png>", "link/image"),
        ("<img src=\"https://evil.net/p.png\">", "link/image"),
        ("<IMG alt=x SRC=//evil.net/p.png>", "link/image"),
        ("<img\nsrc = '//evil.net/p.png'/>", "link/image"),
        ("<img srcset=\"/a.png 1x, //evil.net/b.png 2x\">", "link/image"),
        ("<a class=b href='//evil.net'>x</a>", "link/host"),
        ("<div style=\"background:url(//evil.net/b.png)\">", "link/image"),
        ("<style>p{background:URL( '//evil.net/b.png' )}</style>", "link/image"),
        ("<link rel=stylesheet href=//evil.net/s.css>", "link/image"),
        ("<meta http-equiv=refresh content=\"0;url=//evil.net\">", "link/image"),
        ("<iframe src=\"&#x2f;/evil.net\"></iframe>", "link/image"),
        ("https://help.example@evil.net/", "link/obscured"),
        ("https://2130706433/", "link/address"),
        ("https://help.example/go?u=https://evil.net", "link/redirect"),
        ("https://help.example/?d=c2VjcmV0IHJlY2lwZSBmb3IgeW91ciBncmFuZG1h", "link/data"),
        ("![x](https://help.example/p.png?d=everything+you+told+me+in+private)", "link/data"),
        ("javascript:alert(document.cookie)", "link/scheme"),
        ("data:text/html,<b>", "link/scheme"),
        ("请看https://evil.net/路径。", "link/host"),
    ] {
        let (released, found) = scan(text);
        assert_eq!(found, [rule], "{text}");
        assert!(!released.contains("evil") || rule == "link/obscured", "{text} -> {released}");
        assert!(released.contains("[redacted:link]"), "{text} -> {released}");
    }
}

#[test]
fn allowed_links_and_things_that_are_none_pass_unchanged() {
    for text in [
        "see https://help.example/returns, or [our page](https://help.example/a_(b)).",
        "[a](/relative) ![b](img/x.png) [c]: see below, [1]: first",
        "<a href=\"https://help.example\">x</a> <img src='/logo.png'> a < b and c > d",
        "data: 5, http: the protocol, www. is short for it, file: none",
        "let x = a[i](j); vec![1, 2][0]",
        "The ratio is 3://4 and C:\\dir // comment",
        "javascript: a language",
        "std::net::ws:",
    ] {
        assert_eq!(scan(text), (text.to_owned(), vec![]));
    }
}

#[test]
fn only_the_destination_is_taken_out() {
    assert_eq!(scan("a [b](https://evil.net/c \"d\") e").0, "a [b]([redacted:link] \"d\") e");
    assert_eq!(scan("so: https://evil.net/c.").0, "so: [redacted:link].");
}

#[test]
fn a_link_without_end_does_not_pass_by_its_length() {
    let long = format!("![a](https://help.example/{})", "a".repeat(5000));
    let (released, found) = scan(&long);
    assert_eq!((released.as_str(), found), ("![a]([redacted:link]", vec!["link/data"]));
}

#[test]
fn what_a_host_name_smuggles_is_not_shown() {
    let filter = Filter::new(&OutputRules::default());
    let released = filter.scan(&Confidential::new(), "https://c2VjcmV0LXJlY2lwZQ.evil.net/");
    assert!(!format!("{:?}", released.findings).to_lowercase().contains("c2vjcmv0"), "{released:?}");
}
