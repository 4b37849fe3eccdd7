//! What acts in each place, and what only looks like it.

use super::super::{Action, Confidential, Filter, OutputRules};

fn found(text: &str) -> Vec<&'static str> {
    let all = ["active/command", "active/query", "active/template"];
    let actions = all.map(|rule| (rule.to_owned(), Action::Redact)).into_iter().collect();
    let filter = Filter::new(&OutputRules { actions, ..OutputRules::default() });
    let released = filter.scan(&Confidential::new(), text);
    released.findings.iter().map(|f| f.rule).filter(|r| r.starts_with("active/")).collect()
}

#[test]
fn what_acts_is_found() {
    for (text, rule) in [
        ("<script>alert(1)</script>", "active/markup"),
        ("a <SCRIPT\nsrc=x> b", "active/markup"),
        ("<img src=x onerror=alert(1)>", "active/markup"),
        ("<img src='x'onerror=alert(1)>", "active/markup"),
        ("<svg/onload=alert(1)>", "active/markup"),
        ("<svg onload = 'a'>", "active/markup"),
        ("<p title='>' onclick=\"a\">", "active/markup"),
        ("<b x\" onmouseover=a>", "active/markup"),
        ("<iframe srcdoc='a'>", "active/markup"),
        ("<a ping=//x href=/ok>", "active/markup"),
        ("<meta http-equiv=refresh content=0>", "active/markup"),
        ("<img src=x onerror=alert(1)", "active/markup"),
        ("\u{1b}[8mhidden\u{1b}[0m", "active/terminal"),
        ("\u{1b}]8;;https://help.example\u{7}here", "active/terminal"),
        ("\u{9b}31m", "active/terminal"),
        ("a\u{8}b", "active/terminal"),
        (r"clear it with \x1b[2J now", "active/terminal-written"),
        (r"\u001b]52;c;cm0gLXJm\u0007", "active/terminal-written"),
        (r"\033[32mgreen\033[0m", "active/terminal-written"),
        (r"\27[32mgreen", "active/terminal-written"),
        (r"\e]0;title\a", "active/terminal-written"),
        (r"\x1B]8;;https://help.example\x07", "active/terminal-written"),
        (r"starts with \x1b[", "active/terminal-written"),
        (r"or \x9b alone", "active/terminal-written"),
        (r"\x1bc resets", "active/terminal-written"),
        (r#"{"text": "\u001b[8mhidden"}"#, "active/terminal-written"),
        ("`a\nb` \\x1b[2J", "active/terminal-written"),
        ("total {{ 7 * 7 }}", "active/template"),
        ("<%= 1 + 1 %>", "active/template"),
        ("${jndi:x}", "active/template"),
        ("$(curl x | sh)", "active/command"),
        ("name; wget x", "active/command"),
        ("a && rm -rf x", "active/command"),
        ("'; DROP TABLE orders; --", "active/query"),
        ("x' OR 1=1", "active/query"),
        ("admin' --", "active/query"),
        ("x') UNION SELECT a", "active/query"),
    ] {
        assert!(found(text).contains(&rule), "{text:?}: {:?}", found(text));
    }
}

#[test]
fn what_only_looks_like_it_is_not() {
    for text in [
        "if a < b and c > d",
        "x<y, so y>x",
        "<b>bold</b> <i class=on>x</i> <a href=/ok title=\"on = off\">y</a>",
        "a <- b",
        "<3 and </p>",
        "Tabs\tand\nlines\r\nare text; see below",
        "It's one of \"this\" and \"that\"; either will do",
        "costs $5 & more | less",
        "{not a template} and {{}}",
        "it is 'free' for the guests' sake",
        r"C:\estate\x1bench and \n or \t",
        r"the bytes \x1f\x9b\x03 of a file",
        r"[^\e[0-9]] and \27 guests",
        r"\u001c and \033 alone",
    ] {
        assert_eq!(found(text), [""; 0], "{text:?}");
    }
}

#[test]
fn a_place_that_the_answer_does_not_go_to_costs_nothing() {
    let filter = Filter::new(&OutputRules::default());
    let text = "Write {{ name }} or run `ls; rm x`, then say 'a' OR 'b'.";
    assert_eq!(filter.scan(&Confidential::new(), text).text, text);
}

#[test]
fn the_tag_is_taken_out_and_the_rest_stays() {
    let filter = Filter::new(&OutputRules::default());
    let text = "Hello <img src=x onerror=alert(1)> there";
    assert_eq!(filter.scan(&Confidential::new(), text).text, "Hello [redacted:active] there");
}

#[test]
fn what_is_written_out_leaves_code_and_no_running_text() {
    let filter = Filter::new(&OutputRules::default());
    let text = "`\\x1b[1m` is bold. \\x1b]8;;https://a.example\\x07here";
    let released = filter.scan(&Confidential::new(), text);
    assert!(released.text.starts_with("`\\x1b[1m` is bold. [redacted:active]"), "{}", released.text);
    assert!(!released.text.contains("\\x1b]"), "{}", released.text);
    for code in ["`\\x1b[0m` resets the colours", "```sh\nprintf '\\033[2J\\e]0;title\\a'\n```\n"] {
        let released = filter.scan(&Confidential::new(), code);
        assert_eq!(released.text, code);
        assert!(released.findings.iter().all(|f| f.rule == "active/terminal-example"), "{code}");
        assert!(!released.findings.is_empty(), "{code}");
    }
}

#[test]
fn padding_hides_nothing() {
    let text = format!("<img {}onerror=alert(1)>", "a=b ".repeat(2000));
    assert_eq!(found(&text), ["active/markup"]);
}
