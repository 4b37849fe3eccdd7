//! What must hold for every page, whatever is on it.

#![expect(clippy::unwrap_used, reason = "a page that cannot be read back is a failed test")]

mod demo;
mod reading;

use proofhouse_core::{Digest, Finding, Place, Severity};
use proofhouse_report::ReportInput;
use proofhouse_report::input::*;
use proofhouse_report::render;

use reading::{Page, Token};

fn states() -> [(&'static str, ReportInput); 4] {
    let bare = {
        let full = demo::planned();
        ReportInput::new(
            full.system,
            full.generated_at,
            "run-0",
            "proofhouse",
            full.ledger,
            OverallState::Planned,
        )
    };
    [("recalled", demo::demo()), ("denied", demo::denied()), ("planned", demo::planned()), ("bare", bare)]
}

#[test]
fn every_link_resolves_and_every_id_is_unique() {
    for (name, input) in states() {
        let page = Page::read(&render(&input));
        assert_eq!(page.repeated_ids(), Vec::<String>::new(), "{name}");
        assert_eq!(page.dangling(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_page_of_an_examination_is_as_sound() {
    let text = proofhouse_report::render_examination(&demo::examination());
    let page = Page::read(&text);
    assert_eq!((page.unbalanced(), page.repeated_ids(), page.dangling()), (None, vec![], vec![]));
    assert!(!text.contains("NaN") && !text.contains("<script"));
    for section in ["robustness", "table", "natural", "hardening", "spending", "results", "pictures", "facts"]
    {
        assert!(text.contains(&format!("<section id=\"{section}\"")), "{section}");
    }
    // What was not done is not there.
    let bare = proofhouse_report::render_examination(&Examination::default());
    assert!(!bare.contains("<section id=\"robustness\"") && bare.contains("<section id=\"facts\""));
}

#[test]
fn tags_balance() {
    for (name, input) in states() {
        assert_eq!(Page::read(&render(&input)).unbalanced(), None, "{name}");
    }
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for (name, input) in states() {
        let page = Page::read(&render(&input));
        for (tag, attribute, value) in page.attributes() {
            assert!(!attribute.starts_with("on"), "{name}: {tag} {attribute}");
            assert!(
                !matches!(attribute, "src" | "srcset" | "action" | "data" | "poster" | "style"),
                "{name}: {tag} {attribute}"
            );
            assert!(attribute != "href" || value.starts_with('#'), "{name}: {value}");
        }
        for forbidden in
            ["script", "iframe", "object", "embed", "link", "img", "base", "form", "use", "image"]
        {
            assert!(!page.has_tag(forbidden), "{name}: <{forbidden}>");
        }
    }
}

#[test]
fn the_policy_allows_the_one_style_sheet_and_nothing_else() {
    use base64::Engine as _;
    let html = render(&demo::demo());
    let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(Digest::of(style.as_bytes()).as_bytes());
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    let policy = policy.replace('"', "&quot;");
    assert!(html.contains(&policy), "no policy with the hash of the style sheet");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(render(&demo::demo()), render(&demo::demo()));
}

#[test]
fn the_input_survives_json() {
    let input = demo::demo();
    let back: ReportInput = serde_json::from_str(&serde_json::to_string(&input).unwrap()).unwrap();
    assert_eq!(back, input);
    assert_eq!(render(&back), render(&input));
}

#[test]
fn headings_descend_one_level_at_a_time_from_a_single_first() {
    for (name, input) in states() {
        let levels = Page::read(&render(&input)).headings();
        assert_eq!(levels.iter().filter(|l| **l == 1).count(), 1, "{name}");
        assert_eq!(levels.first(), Some(&1), "{name}");
        for pair in levels.windows(2) {
            assert!(pair[1] <= pair[0] + 1, "{name}: h{} after h{}", pair[1], pair[0]);
        }
    }
}

#[test]
fn every_drawing_has_a_name_and_only_finite_numbers() {
    for (name, input) in states() {
        let html = render(&input);
        for svg in html.split("<svg").skip(1) {
            let svg = svg.split("</svg>").next().unwrap();
            let hidden = svg.starts_with(" class=\"share\" aria-hidden=\"true\"");
            assert!(
                hidden || svg.contains("role=\"img\"") && svg.contains("<title ") && svg.contains("<desc "),
                "{name}: {svg}"
            );
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}: {svg}");
        }
    }
}

#[test]
fn a_large_system_stays_under_half_a_megabyte() {
    let mut input = demo::demo();
    let few = input.threats.clone();
    input.threats = (0..130)
        .map(|i| {
            let mut threat = few[i % few.len()].clone();
            threat.id = format!("{}-{i:03}", threat.group);
            threat.proofs = vec![few[7].proofs[0].clone()];
            if i % 4 == 0 {
                threat.proofs.push(few[0].proofs[0].clone());
            }
            threat
        })
        .collect();
    let check = input.plan[0].clone();
    input.plan.extend(std::iter::repeat_n(check, 101));
    let result = input.evidence[5].clone();
    input.evidence.extend((0..31).map(|i| Evidence { id: Digest::of(&[i]), ..result.clone() }));
    let html = render(&input);
    assert!(html.len() < 500_000, "{} bytes", html.len());
}

#[test]
fn floods_are_cut_and_say_so() {
    let mut input = demo::demo();
    let finding = Finding {
        rule: "pickle/unsafe-call".into(),
        severity: Severity::Critical,
        message: "x".repeat(100_000),
        place: Place::file("y".repeat(100_000)),
        remediation: "z".repeat(100_000),
        references: vec![],
    };
    input.evidence[0].findings = vec![finding; 5_000];
    let drift = input.drift.as_mut().unwrap();
    drift.looks = vec![drift.looks[0].clone(); 100_000];
    drift.columns = vec![drift.columns[0].clone(); 500];
    let robustness = input.robustness.as_mut().unwrap();
    robustness.counterexamples = vec![robustness.counterexamples[0].clone(); 500];
    let html = render(&input);
    assert!(html.len() < 500_000, "{} bytes", html.len());
    assert!(html.contains("4,975 more findings are in the signed envelope"));
}

/// Replaces every string of the input that no type constrains, keeping those that must parse.
fn hostile(value: &mut serde_json::Value, payload: &str, count: &mut usize) {
    use serde_json::Value;
    match value {
        Value::String(s) => {
            let constrained =
                s.starts_with("sha256:") || s.ends_with('Z') && s.starts_with("2") || s.contains('@');
            if !constrained && !KEYWORDS.contains(&s.as_str()) {
                *count += 1;
                *s = format!("{payload}{count}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| hostile(v, payload, count)),
        Value::Object(map) => map.values_mut().for_each(|v| hostile(v, payload, count)),
        _ => {}
    }
}

/// Values of enums.
const KEYWORDS: &[&str] = &[
    "planned",
    "assessed",
    "denied",
    "released",
    "running",
    "recalling",
    "recalled",
    "describe",
    "plan",
    "assess",
    "gate",
    "release",
    "deploy",
    "observe",
    "recall",
    "feedback",
    "done",
    "attention",
    "failed",
    "open",
    "stale",
    "unknown",
    "accepted",
    "controlled",
    "not-applicable",
    "info",
    "yearly",
    "low",
    "medium",
    "high",
    "critical",
    "full",
    "partial",
    "manual",
    "ran",
    "not-run",
    "not-implemented",
    "by-person",
    "pass",
    "fail",
    "fresh",
    "model",
    "dataset",
    "ratio",
    "count",
    "bytes",
    "statistic",
    "milliseconds",
    "data",
    "subject",
];

#[test]
fn hostile_names_are_text_wherever_they_stand() {
    for payload in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</style><style>*{display:none}",
        "</title></svg><svg onload=alert(1)>",
        "<!--",
        "]]>\u{0}\u{202e}javascript:alert(1)",
    ] {
        let mut value = serde_json::to_value(demo::demo()).unwrap();
        let mut count = 0;
        hostile(&mut value, payload, &mut count);
        assert!(count > 300, "only {count} strings were replaced");
        let input: ReportInput = serde_json::from_value(value).unwrap();
        let html = render(&input);
        let page = Page::read(&html);
        assert_eq!(page.unbalanced(), None, "{payload}");
        assert!(!page.has_tag("script") && !page.has_tag("img"), "{payload}");
        assert_eq!(page.repeated_ids(), Vec::<String>::new(), "{payload}");
        assert_eq!(page.dangling(), Vec::<String>::new(), "{payload}");
        assert_eq!(html.matches("<style").count(), 1, "{payload}");
        assert!(page.attributes().all(|(_, a, _)| !a.starts_with("on")), "{payload}");
        assert!(!html.contains('\u{0}') && !html.contains('\u{202e}'), "{payload}");
        assert_eq!(html.matches("<!").count(), 1, "{payload}: more than the doctype");
    }
}

#[test]
fn hostile_references_are_text_too() {
    let mut input = demo::demo();
    let bad = "<script>";
    input.threats[0].references = vec![proofhouse_core::Reference::new(bad, bad, bad)];
    input.frameworks.rmf[0].id = proofhouse_core::Reference::new(bad, bad, bad);
    assert!(!Page::read(&render(&input)).has_tag("script"));
}

#[test]
fn numbers_that_are_none_do_not_reach_the_page() {
    let mut input = demo::demo();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0] {
        for e in &mut input.evidence {
            for m in &mut e.measurements {
                m.value = bad;
                if let Some(i) = &mut m.interval {
                    (i.low, i.high, i.confidence) = (bad, bad, bad);
                }
            }
        }
        let performance = input.performance.as_mut().unwrap();
        performance.accuracy.value = bad;
        performance.classes[0].recall.value = bad;
        let fairness = input.fairness.as_mut().unwrap();
        fairness.rates[0].groups[1].share.value = bad;
        fairness.rates[0].furthest.as_mut().unwrap().value = bad;
        let robustness = input.robustness.as_mut().unwrap();
        robustness.clean.value = bad;
        robustness.required = Some(bad);
        robustness.points[0].epsilon = bad;
        robustness.points[1].accuracy.value = bad;
        robustness.counterexamples[0].distance = bad;
        robustness.points[2].proved.as_mut().unwrap().value = bad;
        robustness.classes[0].success.value = bad;
        if let Change::Image { altered, .. } = &mut robustness.counterexamples[0].change {
            altered.pixels[3] = bad;
        }
        let drift = input.drift.as_mut().unwrap();
        drift.alpha = bad;
        drift.looks[0].statistic = bad;
        drift.looks[1].threshold = bad;
        drift.columns[0].distance = bad;
        drift.columns[0].edges[0] = bad;
        let risk = input.risk.as_mut().unwrap();
        risk.tolerance[0].loss = bad;
        risk.tolerance[1].probability = bad;
        risk.curves[0].points[5].loss = bad;
        risk.curves[1].points[5].probability = bad;
        risk.curves[2].mean.value = bad;
        risk.curves[2].mean.high = bad;
        risk.drivers[0].share = bad;
        risk.drivers[0].mean = bad;
        let text = Page::read(&render(&input)).numbers_in_doubt();
        assert_eq!(text, Vec::<String>::new(), "{bad}");
    }
}

#[test]
fn every_claim_stands_beside_its_evidence() {
    let input = demo::demo();
    let html = render(&input);
    for e in &input.evidence {
        let anchor = format!("ev-{}", e.id.short());
        assert!(html.contains(&format!("id=\"{anchor}\"")), "{}", e.check);
        let row = html.split(&format!("id=\"{anchor}\"")).nth(1).unwrap().split("</article>").next().unwrap();
        assert!(row.contains(&format!("№ {}", e.ledger_seq)), "{}", e.check);
        assert!(row.contains("proofhouse ledger verify"), "{}", e.check);
    }
    for section in ["performance", "robustness", "drift"] {
        let body = html.split(&format!("<section id=\"{section}\"")).nth(1).unwrap();
        let body = body.split("</section>").next().unwrap();
        assert!(body.contains("href=\"#ev-"), "{section}");
    }
}

/// The text of a section.
fn section<'h>(html: &'h str, id: &str) -> &'h str {
    html.split(&format!("<section id=\"{id}\"")).nth(1).unwrap().split("</section>").next().unwrap()
}

#[test]
fn warnings_are_shown_and_decide_nothing() {
    let html = render(&demo::demo());
    let gate = section(&html, "gate");
    assert!(gate.contains("no reason against it, 1 reason waived and 4 warnings"), "{gate}");
    let manual = gate.find("3</strong> × no machine test answers this threat").unwrap();
    let unknown = gate.find("1</strong> × it is not known whether it applies").unwrap();
    assert!(manual < unknown, "the worst first");
    let listed = gate.split("<details>").nth(1).unwrap();
    let (high, medium) = (listed.find("#th-mod-03").unwrap(), listed.find("#th-mod-08").unwrap());
    assert!(high < medium, "within a rule the worst first");
    let mut input = demo::demo();
    input.gate.as_mut().unwrap().warnings.clear();
    assert!(section(&render(&input), "gate").contains("and no warning"));
}

#[test]
fn a_recall_says_where_it_reaches() {
    let mut input = demo::demo();
    assert!(section(&render(&input), "recall").contains("out of service in production. "));
    input.recall.as_mut().unwrap().scope = "everywhere".into();
    assert!(section(&render(&input), "recall").contains("out of service everywhere. "));
}

#[test]
fn digests_that_are_no_evidence_are_named_where_the_page_knows_them() {
    let mut input = demo::demo();
    let release = input.release.clone().unwrap();
    let strange = Digest::of(b"strange");
    input.gate.as_mut().unwrap().evidence.extend([
        release.root,
        release.signature,
        input.system.digest,
        strange,
    ]);
    let html = render(&input);
    let gate = section(&html, "gate");
    assert!(gate.contains("href=\"#release\">OpenSSF root <code>"));
    assert!(gate.contains("href=\"#top\">system file <code>"));
    assert_eq!(html.matches("not in this report").count(), 1);
    assert!(gate.contains(&format!("title=\"{strange}\"")));
}

#[test]
fn looks_at_traffic_name_their_entry_and_the_test_of_the_monitor() {
    let mut input = demo::demo();
    let html = render(&input);
    assert!(section(&html, "drift").contains("№ 43"));
    assert!(!section(&html, "drift").contains("No signed"));
    input.drift.as_mut().unwrap().tested = None;
    assert!(section(&render(&input), "drift").contains("No signed result says that the monitor was tested"));
    input.drift.as_mut().unwrap().ledger.clear();
    assert!(section(&render(&input), "drift").contains("No signed evidence behind these figures"));
}

#[test]
fn threats_that_do_not_apply_are_a_line_each_and_folded() {
    let html = render(&demo::demo());
    let folded =
        html.split("<ul class=\"ruled-out\">").nth(1).unwrap().split("</ul></details>").next().unwrap();
    for (id, name) in [("PRI-02", "Training records can be reconstructed"), ("SUP-05", "Base model from")] {
        assert!(folded.contains(&format!("id=\"th-{}\"", id.to_lowercase())), "{id}");
        assert!(folded.contains(name), "{name}");
    }
    assert!(folded.contains("proofhouse.yaml:"), "the deciding fact has its line");
    assert!(!folded.contains("Would no longer apply"));
}

#[test]
fn why_threats_are_open_is_told_apart() {
    let html = render(&demo::demo());
    let head = html.split("<section").next().unwrap();
    for part in [
        "1 failed a check",
        "3 were re-opened by a signal",
        "have no check in this build and are untested",
        "of them untested",
    ] {
        assert!(head.contains(part), "{part}: {head}");
    }
    let planned = render(&demo::planned());
    let head = planned.split("<section").next().unwrap();
    assert!(head.contains("none failed a check"), "{head}");
    let mut none = demo::planned();
    none.plan.clear();
    assert!(render(&none).contains("wait for a check"));
}

#[test]
fn a_stage_without_length_is_not_said_to_take_no_time() {
    let mut input = demo::demo();
    input.timeline[3].finished = Some(input.timeline[3].started);
    let html = render(&input);
    assert!(!section(&html, "timeline").contains(">0 ms<"));
    assert!(section(&html, "timeline").contains("<td class=\"r num\">–</td>"));
}

#[test]
fn what_was_not_done_is_said() {
    let [.., (_, bare)] = states();
    let html = render(&bare);
    for sentence in [
        "No threats have been derived",
        "No test plan has been written",
        "The release gate has not decided",
        "there is no release of this model",
        "No instance of this model has been started",
        "Performance has not been measured",
        "Its behaviour under attack is not known",
        "No traffic has been watched for drift",
        "No recall has been ordered",
        "No loss has been simulated",
        "there is no evidence",
    ] {
        assert!(html.contains(sentence), "{sentence}");
    }
}

#[test]
fn the_reader_used_by_these_tests_finds_faults() {
    assert!(Page::read("<p><b></p>").unbalanced().is_some());
    assert_eq!(Page::read("<i id=\"a\"></i><i id=\"a\"></i>").repeated_ids(), ["a"]);
    assert_eq!(Page::read("<a href=\"#b\"></a>").dangling(), ["b"]);
    assert_eq!(Page::read("<p>x NaN</p>").numbers_in_doubt().len(), 1);
    assert!(matches!(Page::read("<br>").tokens().first(), Some(Token::Open { .. })));
}
