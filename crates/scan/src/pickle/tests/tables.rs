//! What the tables allow of libraries' objects, and how far.

use super::{outcome, unescape};
use crate::Outcome;

fn judged(stream: &str) -> Outcome {
    outcome(&unescape(&format!(r"\x80\x04{stream}.")))
}

#[test]
fn expressions_hold_no_text_that_is_evaluated() {
    let x = r"csympy.core.symbol\nSymbol\n\x8c\x01x\x85\x81";
    let sine = format!(r"csympy.functions.elementary.trigonometric\nsin\n{x}\x85\x81");
    assert_eq!(judged(&sine), Outcome::Clean);
    let integral =
        |limit: &str| format!(r"csympy.integrals.integrals\nIntegral\n{sine}{x}{limit}K\x01\x87\x86\x81");
    assert_eq!(judged(&integral("K\\x00")), Outcome::Clean);
    assert_eq!(judged(&integral(r"\x8c\x03f()")), Outcome::Suspicious);
    // Keys of a dict are read as expressions, and so are arguments that a state sets.
    let text = r"csympy.functions.elementary.trigonometric\nsin\n}\x8c\x03f()K\x01s\x85\x81";
    assert_eq!(judged(text), Outcome::Suspicious);
    assert_eq!(
        judged(&text.replace("functions.elementary.trigonometric\\nsin", "core.add\\nAdd")),
        Outcome::Suspicious
    );
    assert_eq!(judged(&format!(r"{sine}}}\x8c\x05_args\x8c\x03f()\x85sb")), Outcome::Suspicious);
}

#[test]
fn a_configuration_is_given_state_once() {
    let made = r"ctransformers.models.bert.configuration_bert\nBertConfig\n)\x81";
    assert_eq!(judged(&format!(r"{made}}}\x8c\x01aK\x01sb")), Outcome::Clean);
    // What its first state holds would lead the search for `__setstate__` elsewhere, or be called as a validator.
    assert_eq!(judged(&format!(r"{made}}}\x8c\x01aK\x01sb}}\x8c\x01bK\x01sb")), Outcome::Suspicious);
    assert_eq!(judged(&format!(r"{made}N}}\x8c\x01aK\x01s\x86b")), Outcome::Suspicious);
    let computed = format!(r"{made}cbuiltins\ntuple\n](N}}\x8c\x01aK\x01se\x85Rb");
    assert_eq!(judged(&computed), Outcome::Suspicious);
}

#[test]
fn models_of_tokenizers_are_made_of_nothing() {
    let made = |args: &str| judged(&format!(r"ctokenizers.models\nBPE\n{args}\x81C\x02{{}}b"));
    assert_eq!(made(")"), Outcome::Clean);
    assert_eq!(made(r"\x8c\x01v\x8c\x01m\x86"), Outcome::Suspicious);
}

#[test]
fn what_holds_itself_many_times_over_takes_no_longer() {
    let partial = |held: &str| format!(r"cfunctools\npartial\n(cbuiltins\nlist\n{held}tR\x940");
    let mut stream = partial("");
    for level in 0..6 {
        stream.push_str(&partial(&format!(r"h\x0{level}").repeat(200)));
    }
    let factory = format!(r"{stream}ccollections\ndefaultdict\nh\x06\x85R");
    assert_eq!(judged(&factory), Outcome::Suspicious);
    let mut tuples = r"K\x01\x940".to_owned();
    for level in 0..5 {
        tuples.push_str(&format!(r"({}t\x940", format!(r"h\x0{level}").repeat(200)));
    }
    assert_eq!(judged(&format!(r"{tuples}cnumpy\nndarray\nh\x05\x85R")), Outcome::Suspicious);
}
