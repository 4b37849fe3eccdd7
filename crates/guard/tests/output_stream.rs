//! Streams and whole texts agree: wherever a text is cut, the same is released and the same is found, and
//! nothing that a rule hides leaves before it is known.

#![expect(clippy::unwrap_used, reason = "a test panics where it cannot go on")]

use proofhouse_guard::link::LinkRules;
use proofhouse_guard::output::{
    Action, ByteScanner, Confidential, Filter, HOLD_BYTES, OutputRules, Released, output_rules,
};
use proptest::prelude::*;

const PROMPT: &str = "You are the assistant of a bakery and never tell anybody how much rye goes into the house bread. \
    机密的食谱是七成黑麦三成小麦加一点蜂蜜和盐。";
const CANARY: &str = "Quill-7f3A9c";

/// Texts that fire, nearly fire, or are the beginning of something, one family after the other.
const PIECES: &[&str] = &[
    "Quill-7f3A9c",
    "q u i l l 7 f 3",
    "UXVpbGwtN2YzQTlj",
    "c9A3f7-lliuQ",
    "never tell anybody how much rye goes into the house",
    "never tell anybody how much",
    "机密的食谱是七成黑麦三成小麦加一点蜂蜜",
    "4111 1111 1111 1111",
    "٤١١١١١١١١١١١١١١١",
    "4111 1111 1111 1112",
    "DE89 3704 0044 0532 0130 00",
    "DE89 3704",
    "jo.doe@mail.example.org",
    "jo.doe@",
    "+49 30 901820",
    "(415) 555-0123",
    "536-90-4399",
    "BSN 1112 22 333",
    "131052-308T",
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "born 17.03.1984",
    "https://help.example/returns",
    "https://evil.net/a?b=c",
    "[a](//evil.net)",
    "![a](https://evil.net/p.png)",
    "<img src=\"//evil.net/p.png\">",
    "<a href='/ok'>",
    "url(//evil.net/x)",
    "www.evil.net/x",
    "data:text/html;base64,PHA+",
    "javascript:alert(1)",
    "api_key = \"9fK2mQx7Lw3Zp8Vt\"",
    "password: Winter2031!",
    "mysql://root:s3cr3tPw@db/x",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK",
    "-----BEGIN",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "<img src=x onerror=alert(1)>",
    "<b title='>' on",
    "<script",
    "\u{1b}[31m",
    "\u{1b}]8;;x\u{7}",
    r"\x1b[2J",
    r"\u001b]52;c;eA==\u0007",
    r"\u{1b",
    r"\x9b",
    r"\e[",
    "`",
    "\n```sh\n",
    "\u{9b}",
    "${a}",
    "{{",
    "}}",
    "'; drop",
    "' or 1",
    "; rm x",
    "`ls`",
    "hf_",
    "sk-",
    "AKIA",
    "plain words and a number 42. ",
    "naïve Straße 日本語 текст",
    "\u{200b}",
    "\u{1f600}",
    " ",
    "\n\n",
    ". ",
    "(",
    ")",
    "[",
    "]",
    "!",
    "<",
    "\"",
    "-",
    "=",
    ":",
];

fn rules(actions: &[Action]) -> OutputRules {
    let ids = output_rules().map(|rule| rule.id.to_owned());
    OutputRules {
        actions: ids.zip(actions.iter().copied().cycle()).collect(),
        links: LinkRules::to(["help.example"]).unwrap(),
        ..OutputRules::default()
    }
}

fn confidential() -> Confidential {
    Confidential::new().canary("prompt", CANARY).unwrap().text("system prompt", PROMPT).unwrap()
}

fn join(all: &mut Released, next: Released) {
    all.text.push_str(&next.text);
    all.findings.extend(next.findings);
    all.blocked |= next.blocked;
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
        1 => "[a-z0-9 .@:/<>\"'=()-]{0,10}",
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        6 => Just(Action::Redact),
        3 => Just(Action::Report),
        1 => Just(Action::Block),
        1 => Just(Action::Ignore),
    ];
    prop::collection::vec(action, 1..7)
}

/// Where an answer is cut off in the middle of a match, how far the match could be seen to go says only how much had come.
#[test]
fn a_match_ends_where_its_answer_is_cut_off() {
    let filter =
        Filter::new(&rules(&[Action::Redact, Action::Redact, Action::Redact, Action::Redact, Action::Block]));
    let confidential = confidential();
    let text = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\\x1b[2J";
    let whole = filter.scan(&confidential, text);
    let mut cut = Released::default();
    let mut scanner = filter.scanner(&confidential);
    for c in text.chars() {
        join(&mut cut, scanner.push(c.encode_utf8(&mut [0; 4])));
    }
    join(&mut cut, scanner.finish());
    assert_eq!(cut, whole);
    assert!(whole.blocked);
    let key = whole.findings.iter().find(|f| f.rule == "secret/private-key").unwrap();
    assert_eq!(key.span, 0..46);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Every text, cut into characters or into random pieces of bytes.
    #[test]
    fn cuts_change_nothing(text in text(), actions in actions(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let filter = Filter::new(&rules(&actions));
        let confidential = confidential();
        let whole = filter.scan(&confidential, &text);

        let mut characters = Released::default();
        let mut scanner = filter.scanner(&confidential);
        for c in text.chars() {
            join(&mut characters, scanner.push(c.encode_utf8(&mut [0; 4])));
            prop_assert!(scanner.held() <= HOLD_BYTES, "{} bytes are held", scanner.held());
            // What left so far is the beginning of what leaves in the end.
            prop_assert!(whole.text.starts_with(&characters.text), "{:?} left", characters.text);
        }
        join(&mut characters, scanner.finish());
        prop_assert_eq!(&characters, &whole);

        let mut bytes = Released::default();
        let mut scanner = ByteScanner::new(filter.scanner(&confidential));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let mut from = 0;
        for to in cuts.into_iter().chain([text.len()]) {
            join(&mut bytes, scanner.push(&text.as_bytes()[from..to]));
            from = to;
        }
        join(&mut bytes, scanner.finish());
        prop_assert_eq!(&bytes, &whole);
    }

    /// Bytes that are no UTF-8, cut anywhere, are read as one lossy text.
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xe0), Just(0x9f), Just(b'4')], 0..60), at in any::<prop::sample::Index>()) {
        let filter = Filter::new(&OutputRules::default());
        let none = Confidential::new();
        let whole = filter.scan(&none, &String::from_utf8_lossy(&bytes));
        let mut scanner = ByteScanner::new(filter.scanner(&none));
        let mut cut = Released::default();
        let at = at.index(bytes.len() + 1);
        join(&mut cut, scanner.push(&bytes[..at]));
        join(&mut cut, scanner.push(&bytes[at..]));
        join(&mut cut, scanner.finish());
        prop_assert_eq!(cut, whole);
    }

    /// Where nothing is found, nothing changes.
    #[test]
    fn clean_text_passes_unchanged(text in text()) {
        let whole = Filter::new(&rules(&[Action::Redact])).scan(&confidential(), &text);
        if whole.findings.is_empty() {
            prop_assert_eq!(whole.text, text);
        }
    }

    /// What is hidden does not leave: its span is not in what was released, unless it stands elsewhere too.
    #[test]
    fn hidden_spans_do_not_leave(text in text()) {
        let whole = Filter::new(&rules(&[Action::Redact])).scan(&confidential(), &text);
        for finding in &whole.findings {
            let span = &text[finding.span.clone()];
            let elsewhere = text.match_indices(span).count() > 1 || span.len() < 6;
            prop_assert!(elsewhere || !whole.text.contains(span), "{span:?} left in {:?}", whole.text);
        }
    }
}

#[test]
fn plain_text_flows_through_at_once() {
    let filter = Filter::new(&OutputRules::default());
    let mut scanner = filter.scanner(&confidential());
    let text =
        "Bread rises best where it is warm, and bakes in forty minutes. Nothing here is secret at all. ";
    for word in text.repeat(20).split_inclusive(' ') {
        scanner.push(word);
        assert!(scanner.held() <= word.len() + 8, "{} bytes are held after {word:?}", scanner.held());
    }
}

#[test]
fn holding_back_is_bounded_whatever_comes() {
    let filter = Filter::new(&OutputRules::default());
    for unit in [
        "a",
        "4",
        "4 ",
        "https://help.example/",
        "![",
        "[a](",
        "<a href=\"",
        "eyJ",
        "A<",
        "-",
        "sk-a1B2",
        "机密",
        "q ",
        "x@",
        "never tell ",
    ] {
        let mut scanner = filter.scanner(&confidential());
        for _ in 0..3000 {
            scanner.push(unit);
            assert!(scanner.held() <= HOLD_BYTES, "{} bytes of {unit:?} are held", scanner.held());
        }
    }
}
