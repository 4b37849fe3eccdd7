//! JUnit XML, which continuous integration reads. One suite a target, one case a family and one for each benign
//! measure; what could not be decided is an error, not a pass.

use proofhouse_core::Verdict;

use super::{Criterion, Report};

/// Reports as one JUnit document.
#[must_use]
pub fn junit(reports: &[Report], criterion: &Criterion) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"proofhouse redteam\">\n",
    );
    for report in reports {
        suite(report, criterion, &mut out);
    }
    out.push_str("</testsuites>\n");
    out
}

struct Case {
    name: String,
    verdict: Verdict,
    message: String,
    detail: String,
}

fn suite(report: &Report, criterion: &Criterion, out: &mut String) {
    let mut cases: Vec<Case> = report
        .families
        .iter()
        .map(|f| Case {
            name: f.title.clone(),
            verdict: criterion.family(&f.attack_success, f.unknown),
            message: format!("{}, {} undecided", f.attack_success, f.unknown),
            detail: f
                .examples
                .iter()
                .map(|e| {
                    format!("{} [{}]: {}\n{}\n", e.id, e.chain.join(" > "), e.proof, e.attack.join("\n"))
                })
                .collect(),
        })
        .collect();
    let only = |benign, refused| Report {
        families: vec![],
        search: vec![],
        stopped: None,
        benign_success: benign,
        over_refusal: refused,
        ..report.clone()
    };
    if let Some(m) = &report.benign_success {
        let verdict = criterion.verdict(&only(Some(m.clone()), None));
        cases.push(Case {
            name: "Benign tasks".into(),
            verdict,
            message: m.to_string(),
            detail: String::new(),
        });
    }
    if let Some(m) = &report.over_refusal {
        let verdict = criterion.verdict(&only(None, Some(m.clone())));
        cases.push(Case {
            name: "Over-refusal".into(),
            verdict,
            message: m.to_string(),
            detail: String::new(),
        });
    }
    for searched in &report.search {
        let (verdict, message) = match searched.bypass_after {
            Some(n) if criterion.max_searched_bypasses == 0 => {
                (Verdict::Fail, format!("got through after {n} attempts"))
            }
            Some(n) => (Verdict::Pass, format!("got through after {n} attempts, which the criterion allows")),
            None => (Verdict::Pass, format!("held for {} attempts", searched.attempts)),
        };
        let detail = searched.example.as_ref().map_or_else(String::new, |e| e.attack.join("\n"));
        cases.push(Case { name: format!("Search: {}", searched.family), verdict, message, detail });
    }
    if let Some(why) = &report.stopped {
        let message = format!("the campaign ended before its time: {why}");
        cases.push(Case {
            name: "Completeness".into(),
            verdict: Verdict::Unknown,
            message,
            detail: String::new(),
        });
    }
    let count = |v| cases.iter().filter(|c| c.verdict == v).count();
    out.push_str(&format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n",
        escape(&report.target),
        cases.len(),
        count(Verdict::Fail),
        count(Verdict::Unknown),
    ));
    for case in &cases {
        let head = format!(
            "    <testcase classname=\"redteam.{}\" name=\"{}\"",
            escape(&report.scenario),
            escape(&case.name)
        );
        let (message, detail) = (escape(&case.message), escape(&case.detail));
        match case.verdict {
            Verdict::Pass => {
                out.push_str(&format!("{head}>\n      <system-out>{message}</system-out>\n    </testcase>\n"))
            }
            Verdict::Fail => out.push_str(&format!(
                "{head}>\n      <failure message=\"{message}\">{detail}</failure>\n    </testcase>\n"
            )),
            Verdict::Unknown => out.push_str(&format!(
                "{head}>\n      <error message=\"{message}\">{detail}</error>\n    </testcase>\n"
            )),
        }
    }
    out.push_str("  </testsuite>\n");
}

/// Escapes for text and attributes; what XML 1.0 cannot hold is written out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t'
            | ' '..='\u{7e}'
            | '\u{a0}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fffd}'
            | '\u{10000}'..='\u{1ffff}' => out.push(c),
            _ => out.push_str(&format!("[U+{:04X}]", u32::from(c))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_xml_cannot_hold_is_written_out() {
        assert_eq!(escape("a<b>&\"\u{0}\u{e0041}é"), "a&lt;b&gt;&amp;&quot;[U+0000][U+E0041]é");
    }
}
