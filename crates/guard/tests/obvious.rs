//! What anybody sees has to be seen: orders that nobody could miss, in thirteen languages, as a user's words and
//! between the sentences of a document; and sentences that only use the same words. Written by hand, apart
//! from the generators that the detector is trained with; a new case is a new line of `obvious.jsonl`.

#![allow(clippy::unwrap_used, reason = "a test of cases that stand beside it")]

use std::collections::BTreeSet;

use proofhouse_dialogue::{Carrier, Conversation, Labelling, Message, Name, Origin, Role, Segment};
use proofhouse_guard::{Finding, Guard, GuardConfig};

#[derive(serde::Deserialize)]
struct Case {
    lang: String,
    carrier: Carrier,
    attack: bool,
    text: String,
}

#[test]
fn obvious_attacks_alarm_and_obviously_harmless_texts_do_not() {
    let guard = Guard::new(GuardConfig::default()).unwrap();
    let cases: Vec<Case> =
        include_str!("obvious.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |attack: bool, carrier: Carrier| -> BTreeSet<&str> {
        let chosen = cases.iter().filter(|case| case.attack == attack && case.carrier == carrier);
        chosen.map(|case| case.lang.as_str()).collect()
    };
    for (attack, carrier) in
        [(true, Carrier::Chat), (true, Carrier::Document), (false, Carrier::Chat), (false, Carrier::Document)]
    {
        assert!(of(attack, carrier).len() >= 8, "{attack} {carrier:?}");
    }
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let (role, origin) = match case.carrier {
                Carrier::Chat => (Role::User, Origin::User),
                _ => (Role::User, Origin::Web(Name::new("page").unwrap())),
            };
            let segment = Segment::new(case.text.as_str(), Labelling::default().label(&origin));
            let conversation = Conversation::new(vec![Message::new(role, vec![segment])], vec![]);
            let inspection = guard.inspect(&conversation);
            let margin = inspection.segments.first().and_then(|segment| segment.margin);
            let right = (inspection.verdict == Finding::Attack) == case.attack;
            (!right).then(|| format!("{:?} {margin:?} {} {}", inspection.verdict, case.lang, case.text))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} judged wrongly:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
