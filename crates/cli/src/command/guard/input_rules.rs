//! What is found in a text before a model reads it.

use proofhouse_core::sarif::Rule;
use proofhouse_core::{Reference, Severity};
use proofhouse_guard::normal::AlarmKind;

/// One rule of the input side.
pub struct InputRule {
    pub id: &'static str,
    pub title: &'static str,
    pub severity: Severity,
    what: &'static str,
    remediation: &'static str,
}

const REMOVE: &str = "Remove the text, or the source it comes from, from what the model reads.";
const LOOK: &str = "Look at the characters, and have the text written plainly.";

#[rustfmt::skip]
static RULES: &[InputRule] = &[
    InputRule { id: "input/attack", title: "Text that directs the model", severity: Severity::High,
        what: "By its wording, as it stands or as it can be decoded, the text looks like an attempt to direct the model.", remediation: REMOVE },
    InputRule { id: "input/cipher", title: "Letters in the order of no language", severity: Severity::Medium,
        what: "Lines of words have their letters exchanged or in another order, and no way to read them was found. A model may read them.", remediation: LOOK },
    InputRule { id: "input/direction", title: "Direction of writing is overridden", severity: Severity::Medium,
        what: "Characters change the direction of writing where no script needs them, so that people read another text than the model.", remediation: LOOK },
    InputRule { id: "input/hidden-text", title: "Suspicious text that people do not see", severity: Severity::High,
        what: "A document holds text that people do not see and models read, and the text looks like an attempt to direct the model.", remediation: REMOVE },
    InputRule { id: "input/invisible-payload", title: "Text in invisible characters", severity: Severity::High,
        what: "Bytes are written in characters that show nothing. No ordinary text does this; a model reads them.", remediation: REMOVE },
    InputRule { id: "input/invisibles", title: "Many invisible characters", severity: Severity::Low,
        what: "Many characters show nothing and nothing in the text needs them.", remediation: LOOK },
    InputRule { id: "input/mark-flood", title: "Stacks of marks over letters", severity: Severity::Low,
        what: "Letters carry stacks of marks, which hides words from filters and people.", remediation: LOOK },
    InputRule { id: "input/mixed-scripts", title: "Words of mixed scripts", severity: Severity::Low,
        what: "Words are made of letters from several scripts that look alike, which hides them from filters.", remediation: LOOK },
    InputRule { id: "input/order", title: "A plain order to the model", severity: Severity::High,
        what: "The text gives an order that nobody gives by chance, such as to set aside all instructions or to show the system prompt.", remediation: REMOVE },
    InputRule { id: "input/suspicious", title: "Text that may direct the model", severity: Severity::Medium,
        what: "The text has something of an attempt to direct the model. Whether it is one, wording alone does not tell.", remediation: "Read it. Where it is right that such text is there, leave it to the boundary, which holds whatever a text says." },
    InputRule { id: "input/terminal", title: "Terminal escapes", severity: Severity::Medium,
        what: "Escape sequences or overstrikes hide text on a terminal.", remediation: LOOK },
    InputRule { id: "input/truncated", title: "Not looked at to its end", severity: Severity::Medium,
        what: "The input is larger than is looked at, or unfolds into more than is followed.", remediation: "Divide it, and look at the parts." },
];

/// Every rule of the input side.
pub fn all() -> impl Iterator<Item = &'static InputRule> {
    RULES.iter()
}

/// The rule of an id.
pub fn rule(id: &str) -> Option<&'static InputRule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// The rule for an alarm.
pub fn of_alarm(kind: &AlarmKind) -> Option<&'static InputRule> {
    RULES.iter().find(|rule| rule.id.strip_prefix("input/") == Some(kind.id()))
}

impl InputRule {
    pub fn references(&self) -> Vec<Reference> {
        let rows = [("ATLAS", "5.6.0", "AML.T0051"), ("OWASP-LLM", "2025", "LLM01:2025")];
        rows.map(|(framework, version, id)| Reference::new(framework, version, id)).to_vec()
    }

    /// As reports show it.
    pub fn described(&self) -> Rule {
        Rule {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            what: self.what.to_owned(),
            remediation: self.remediation.to_owned(),
            severity: self.severity,
            references: self.references(),
        }
    }
}
