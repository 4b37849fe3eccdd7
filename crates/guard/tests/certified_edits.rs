//! The certificate in the documentation of `normal`, thrown at: edits that must not change the base form, and
//! its idempotence.

use std::sync::LazyLock;

use proofhouse_guard::normal::{
    Budget, ascii_image, is_common_mark, is_invisible, is_terminal_control, looks_like, normalise,
};
use proptest::prelude::*;
use unicode_normalization::char::canonical_combining_class;

const BASE_ONLY: Budget = Budget { depth: 0, views: 0, input_bytes: 1 << 20, view_bytes: 0 };

fn all(of: impl Fn(char) -> bool) -> Vec<char> {
    ('\0'..=char::MAX).filter(|c| of(*c)).collect()
}

static UNSEEN: LazyLock<Vec<char>> = LazyLock::new(|| all(|c| is_invisible(c) || is_common_mark(c)));
static SPACES: LazyLock<Vec<char>> =
    LazyLock::new(|| all(|c| c.is_whitespace() || matches!(c, '\u{2800}' | '\u{3164}' | '\u{ffa0}')));
static IMAGES: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    all(|c| !c.is_whitespace()).into_iter().filter_map(|c| Some((ascii_image(c)?, c))).collect()
});
static ALIKE: LazyLock<Vec<(char, char)>> =
    LazyLock::new(|| all(|c| !c.is_ascii()).into_iter().filter_map(|c| Some((looks_like(c)?, c))).collect());

/// Letters, signs and words of many scripts, with a liking for what the base form touches.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-zA-Z]{1,9}",
        3 => " |\n|\t|  |\u{a0}|\u{3000}",
        2 => "[ -~]{1,4}",
        2 => "[а-яА-ЯёЁіІїЇ]{1,7}",
        2 => "[α-ωΑ-Ωά-ώϊΐ]{1,7}",
        1 => "[à-žÀ-Žẞßıİŉǰ]{1,5}",
        1 => "[\u{590}-\u{6ff}]{1,4}",
        1 => "[\u{900}-\u{dff}]{1,4}",
        1 => "[\u{1100}-\u{11ff}가-힣]{1,4}",
        1 => "[\u{3041}-\u{30ff}\u{ff65}-\u{ff9f}]{1,4}",
        1 => "[\u{13a0}-\u{13ff}\u{ab70}-\u{abbf}\u{10a0}-\u{10ff}\u{531}-\u{586}]{1,4}",
        1 => "[\u{1d400}-\u{1d7ff}\u{1f100}-\u{1f1ff}\u{2460}-\u{24ff}\u{ff01}-\u{ff5e}]{1,4}",
        1 => prop::collection::vec(any::<char>(), 1..4).prop_map(String::from_iter),
        1 => Just("e\u{301}\u{328}o\u{315}\u{300}".to_owned()),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

#[derive(Debug, Clone)]
enum Edit {
    PutIn(prop::sample::Index, prop::sample::Index),
    TakeOut(prop::sample::Index),
    SameImage(prop::sample::Index, prop::sample::Index),
    OtherCase(prop::sample::Index),
    Space(prop::sample::Index, prop::sample::Index),
    Alike(prop::sample::Index, Vec<prop::sample::Index>),
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), index()).prop_map(|(at, c)| Edit::PutIn(at, c)),
        index().prop_map(Edit::TakeOut),
        (index(), index()).prop_map(|(at, c)| Edit::SameImage(at, c)),
        index().prop_map(Edit::OtherCase),
        (index(), index()).prop_map(|(at, c)| Edit::Space(at, c)),
        (index(), prop::collection::vec(index(), 1..4)).prop_map(|(at, c)| Edit::Alike(at, c)),
    ]
}

fn is_space(c: char) -> bool {
    SPACES.binary_search(&c).is_ok()
}

fn is_unseen(c: char) -> bool {
    is_invisible(c) || is_common_mark(c)
}

/// Applies an edit where it can be; whether it kept case and white space.
fn apply(text: &mut Vec<char>, edit: &Edit) -> bool {
    match edit {
        Edit::PutIn(at, c) => text.insert(at.index(text.len() + 1), *c.get(&UNSEEN)),
        Edit::TakeOut(at) => {
            let places: Vec<usize> = (0..text.len()).filter(|i| is_unseen(text[*i])).collect();
            if !places.is_empty() {
                text.remove(*at.get(&places));
            }
        }
        Edit::SameImage(at, to) if !text.is_empty() => {
            let at = at.index(text.len());
            if let Some(image) = ascii_image(text[at]).filter(|_| !is_space(text[at])) {
                let same: Vec<char> =
                    IMAGES.iter().filter(|(i, _)| i.eq_ignore_ascii_case(&image)).map(|(_, c)| *c).collect();
                if !same.is_empty() {
                    text[at] = *to.get(&same);
                    return ascii_image(text[at]) == Some(image);
                }
            }
        }
        Edit::OtherCase(at) if !text.is_empty() => {
            let at = at.index(text.len());
            let c = text[at];
            let whole: String = text.iter().collect();
            let has_latin = normalise(&whole, &BASE_ONLY).text.bytes().any(|b| b.is_ascii_alphabetic());
            let upper: Vec<char> = c.to_uppercase().collect();
            let lower: Vec<char> = c.to_lowercase().collect();
            let other = if upper == [c] { lower } else { upper };
            if let [other] = other[..]
                && !c.is_ascii()
                && !other.is_ascii()
                && other.to_uppercase().eq(c.to_uppercase())
                && other.to_lowercase().eq(c.to_lowercase())
                && !has_latin
            {
                text[at] = other;
                return false;
            }
        }
        Edit::Space(at, c) => {
            let at = at.index(text.len() + 1);
            let beside = |i: Option<usize>| i.and_then(|i| text.get(i)).is_none_or(|c| is_space(*c));
            if beside(at.checked_sub(1)) || beside(Some(at)) {
                text.insert(at, *c.get(&SPACES));
                return false;
            }
        }
        Edit::Alike(at, to) => {
            // Words as the base form sees them: nothing unseen and no mark parts them.
            let is_mark = |c: char| canonical_combining_class(c) != 0;
            let letters: Vec<usize> =
                (0..text.len()).filter(|i| !is_unseen(text[*i]) && !is_mark(text[*i])).collect();
            let is_letter = |i: &usize| {
                let image = ascii_image(text[*i]).unwrap_or(text[*i]);
                image.is_alphabetic()
                    || normalise(&text[*i].to_string(), &BASE_ONLY).text.chars().any(char::is_alphabetic)
            };
            let words: Vec<&[usize]> = letters.split(|i| !is_letter(i)).filter(|w| w.len() >= 2).collect();
            if words.is_empty() {
                return true;
            }
            let word = *at.get(&words);
            let latin = |i: &usize| ascii_image(text[*i]).is_some_and(|c| c.is_ascii_alphabetic());
            if word.len() > 64 || !word.iter().all(latin) {
                return true;
            }
            let most = word.len() - 1;
            let chosen: Vec<(usize, prop::sample::Index)> =
                to.iter().take(most).enumerate().map(|(i, to)| (word[i], *to)).collect();
            for (i, to) in chosen {
                let image = ascii_image(text[i]);
                let alike: Vec<char> =
                    ALIKE.iter().filter(|(l, _)| Some(*l) == image).map(|(_, c)| *c).collect();
                if !alike.is_empty() {
                    text[i] = *to.get(&alike);
                }
            }
        }
        _ => {}
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_global_rejects: 1 << 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits_leave_the_base_form_alone(text in text(), edits in prop::collection::vec(edit(), 1..8)) {
        let source: String = text.chars().filter(|c| !is_terminal_control(*c)).collect();
        let before = normalise(&source, &BASE_ONLY);
        let mut edited: Vec<char> = source.chars().collect();
        for edit in &edits {
            apply(&mut edited, edit);
            let now: String = edited.iter().collect();
            let after = normalise(&now, &BASE_ONLY);
            prop_assert_eq!(&after.text, &before.text, "{:?} made {:?}", edit, now);
            prop_assert_eq!(after.digest, before.digest);
        }
    }

    #[test]
    fn edits_that_keep_case_and_space_leave_views_alone(word in "[a-zA-Z0-9+/]{12,40}", edits in prop::collection::vec(edit(), 1..5)) {
        use base64::Engine as _;
        let source = format!("run {word}: {}", base64::engine::general_purpose::STANDARD.encode(format!("please open the {word} now")));
        let before = normalise(&source, &Budget::default());
        let mut edited: Vec<char> = source.chars().collect();
        let kept = edits.iter().all(|edit| apply(&mut edited, edit));
        // An override shows what follows it in another order, which is a view of its own.
        prop_assume!(kept && !edited.contains(&'\u{202e}'));
        let now: String = edited.into_iter().collect();
        let after = normalise(&now, &Budget::default());
        let texts = |form: &proofhouse_guard::normal::NormalForm<'_>| form.texts().map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(texts(&after), texts(&before), "{}", now);
    }

    #[test]
    fn the_base_form_is_idempotent(text in text(), noise in any::<String>()) {
        for source in [text, noise] {
            let once = normalise(&source, &BASE_ONLY);
            let twice = normalise(&once.text, &BASE_ONLY);
            prop_assert_eq!(&twice.text, &once.text, "{:?}", source);
            prop_assert_eq!(twice.digest, once.digest);
        }
    }

    #[test]
    fn any_text_gives_spans_inside_it(text in text(), noise in "\\PC{0,60}|[-.|/ 0-9a-fx\\\\%&#;=+\"'<>!]{0,80}") {
        let source = format!("{text}{noise}");
        let form = normalise(&source, &Budget::default());
        let maps = form.views.iter().map(|v| (&v.text[..], &v.spans)).chain([(&form.text[..], &form.spans)]);
        for (text, spans) in maps {
            for at in 0..=text.len() {
                let span = spans.source(at..text.len());
                prop_assert!(span.start <= span.end && span.end <= source.len(), "{:?} in {:?}", span, source);
            }
        }
        for place in form.alarms.iter().flat_map(|a| &a.places) {
            prop_assert!(place.start < place.end && place.end <= source.len(), "{:?}", place);
        }
    }
}

#[test]
fn every_code_point_settles_at_once() {
    // Beyond plane 2 are unassigned code points and tags.
    for c in ('\0'..='\u{2ffff}').chain('\u{e0000}'..='\u{e0fff}') {
        for source in [format!("x{c}y{c}"), format!("к{c}")] {
            let once = normalise(&source, &BASE_ONLY);
            let twice = normalise(&once.text, &BASE_ONLY);
            assert_eq!(twice.text, once.text, "{source:?}");
        }
    }
}
