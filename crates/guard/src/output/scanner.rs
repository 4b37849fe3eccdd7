//! The reader of answers: from left to right, every position decided once.

use std::sync::Arc;

use super::code::Code;
use super::confidential::Secrets;
use super::links::Markup;
use super::look::{BACK_BYTES, Further, Hit, Look, Open, Step, is_word};
use super::rules::Inner;
use super::{Action, OutputFinding, overlap};

/// The families of recognisers. Matches of one family do not overlap; those of different families may.
const FAMILIES: usize = 6;
const CANARY: usize = 0;
const OVERLAP: usize = 1;
const SECRET: usize = 2;
const PERSONAL: usize = 3;
const LINK: usize = 4;
const ACTIVE: usize = 5;

/// Reads one answer.
#[derive(Debug)]
pub struct Scanner {
    rules: Arc<Inner>,
    secrets: Arc<Secrets>,
    /// The end of what was decided, for looking back, then what is held back.
    buffer: String,
    /// Where in the buffer the next decision is made.
    at: usize,
    /// Where in the text the buffer begins.
    base: usize,
    families: [Busy; FAMILIES],
    markup: Markup,
    code: Code,
    /// End of the last redaction, in the text.
    hidden_until: usize,
    blocked: bool,
}

/// Where a family is within a match.
#[derive(Debug, Default)]
struct Busy {
    /// End of its last match, in the text.
    until: usize,
    /// Where its last match was first seen to reach, in the text.
    reached: usize,
    /// The last match, until it is passed.
    open: Option<(OutputFinding, Open)>,
}

impl Busy {
    /// The last match, as far as it reached before an answer was cut off at `here`. How far beyond that it could be seen
    /// to go depends on how much of the answer had come.
    fn cut_off(&mut self, here: usize) -> Option<OutputFinding> {
        let (mut finding, _) = self.open.take()?;
        finding.span.end = finding.span.end.min(here.max(self.reached));
        Some(finding)
    }
}

/// What a piece of an answer released.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// What may leave now.
    pub text: String,
    /// What was found and is complete. A match that goes on is told when it ends.
    pub findings: Vec<OutputFinding>,
    /// Whether a rule cut the answer off: nothing leaves any more.
    pub blocked: bool,
}

impl Released {
    pub(super) fn append(&mut self, next: Self) {
        self.text.push_str(&next.text);
        self.findings.extend(next.findings);
        self.blocked |= next.blocked;
    }
}

/// What the families say about one position. Most say nothing, which costs no memory.
#[derive(Default)]
struct Outcome {
    closed: [bool; FAMILIES],
    further: Vec<(usize, Further)>,
    hits: Vec<(usize, Hit)>,
}

impl Scanner {
    pub(super) fn new(rules: Arc<Inner>, secrets: Arc<Secrets>) -> Self {
        Self {
            rules,
            secrets,
            buffer: String::new(),
            at: 0,
            base: 0,
            families: Default::default(),
            markup: Markup::default(),
            code: Code::default(),
            hidden_until: 0,
            blocked: false,
        }
    }

    /// Takes the next piece and releases what can no longer become part of a match.
    pub fn push(&mut self, piece: &str) -> Released {
        if self.blocked {
            return Released { blocked: true, ..Released::default() };
        }
        self.buffer.push_str(piece);
        self.read(false)
    }

    /// Ends the answer and releases the rest.
    pub fn finish(mut self) -> Released {
        if self.blocked {
            return Released { blocked: true, ..Released::default() };
        }
        self.read(true)
    }

    /// Bytes held back now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.len() - self.at
    }

    fn read(&mut self, end: bool) -> Released {
        let mut released = Released::default();
        while self.at < self.buffer.len() {
            if self.is_idle() {
                let from = self.at;
                self.at = self.next_interesting();
                released.text.push_str(self.buffer.get(from..self.at).unwrap_or_default());
                if self.at == self.buffer.len() {
                    break;
                }
            }
            let Some(outcome) = self.ask(end) else { break };
            self.apply(outcome, &mut released);
            if self.blocked {
                break;
            }
            self.step(&mut released);
        }
        if self.blocked {
            let here = self.base + self.at;
            released.findings.extend(self.families.iter_mut().filter_map(|busy| busy.cut_off(here)));
        } else if end {
            let left = self.families.iter_mut().filter_map(|busy| busy.open.take());
            released.findings.extend(left.map(|(finding, _)| finding));
        }
        released.blocked = self.blocked;
        if self.blocked {
            self.buffer = String::new();
            self.at = 0;
        } else {
            self.forget();
        }
        released
    }

    /// Whether nothing goes on from before, so that plain text can pass in one go.
    fn is_idle(&self) -> bool {
        !self.markup.is_busy()
            && !self.code.is_busy()
            && self.hidden_until <= self.base + self.at
            && self.families.iter().all(|f| f.open.is_none())
    }

    /// The next position where something could begin.
    fn next_interesting(&self) -> usize {
        let bytes = self.buffer.as_bytes();
        let mut previous = bytes.get(self.at.wrapping_sub(1)).copied().unwrap_or(b' ');
        for (at, &byte) in bytes.iter().enumerate().skip(self.at) {
            if self.begins(previous, byte) {
                return at;
            }
            previous = byte;
        }
        bytes.len()
    }

    fn begins(&self, previous: u8, byte: u8) -> bool {
        self.rules_begin(previous, byte) || self.secrets.begins[usize::from(byte)]
    }

    /// Every word is looked at where it begins.
    fn rules_begin(&self, previous: u8, byte: u8) -> bool {
        is_word(byte) && !is_word(previous) || self.rules.special[usize::from(byte)]
    }

    /// Asks every family about this position; nothing where one of them needs more text.
    fn ask(&self, end: bool) -> Option<Outcome> {
        let here = self.base + self.at;
        let look = Look::new(&self.buffer, self.at, end);
        let byte = look.bytes().first().copied()?;
        let rules = self.rules_begin(look.previous().unwrap_or(b' '), byte) || self.markup.expects_link();
        let dull = rules && look.is_dull_word();
        let mut outcome = Outcome::default();
        for (family, busy) in self.families.iter().enumerate() {
            if here < busy.until {
                continue;
            }
            if let Some((_, open)) = &busy.open {
                match self.further(look, open) {
                    Further::More => return None,
                    Further::No => outcome.closed[family] = true,
                    further => {
                        outcome.further.push((family, further));
                        continue;
                    }
                }
            }
            let begins = match family {
                CANARY | OVERLAP => true,
                // A word of letters alone can be neither.
                SECRET => rules && (!dull || look.is_assigned()),
                PERSONAL => rules && !dull,
                _ => rules,
            };
            if !begins {
                continue;
            }
            match self.try_family(family, look) {
                Step::More => return None,
                Step::No => {}
                Step::Hit(hit) => outcome.hits.push((family, hit)),
            }
        }
        Some(outcome)
    }

    fn try_family(&self, family: usize, look: Look<'_>) -> Step {
        match family {
            CANARY => self.secrets.canaries.recognise(look),
            OVERLAP => self.secrets.texts.recognise(look),
            SECRET => self.rules.secret(look),
            PERSONAL => self.rules.personal(look),
            LINK => self.rules.link(look, &self.markup),
            ACTIVE => self.rules.active(look, self.code.within()),
            _ => Step::No,
        }
    }

    fn further(&self, look: Look<'_>, open: &Open) -> Further {
        match open {
            Open::Run(class) => {
                let length = look.bytes().iter().take_while(|b| class(**b)).count();
                // A class may hold all bytes above ASCII, so the run ends between characters.
                if length == 0 { Further::No } else { Further::By(length, open.clone()) }
            }
            Open::Pem => super::secret::pem_further(look),
            Open::Passed => Further::No,
            Open::Overlap(state) => overlap::further(&self.secrets.texts, look, *state),
        }
    }

    fn apply(&mut self, outcome: Outcome, released: &mut Released) {
        let here = self.base + self.at;
        let Outcome { closed, further, hits } = outcome;
        for (busy, _) in self.families.iter_mut().zip(closed).filter(|(_, closed)| *closed) {
            released.findings.extend(busy.open.take().map(|(finding, _)| finding));
        }
        // What goes on is hidden before anything new begins, however far it could be seen to go on.
        for (family, further) in further {
            match further {
                Further::By(length, open) => self.extend(family, here + length, open),
                // Told when it is passed, as it would be if only now and then a character had come.
                Further::Last(length) => self.extend(family, here + length, Open::Passed),
                Further::No | Further::More => {}
            }
        }
        for (family, hit) in hits {
            self.take(family, here, hit, released);
        }
    }

    fn extend(&mut self, family: usize, until: usize, open: Open) {
        let busy = &mut self.families[family];
        let Some((mut finding, _)) = busy.open.take() else { return };
        finding.span.end = until;
        busy.until = until;
        if finding.action == Action::Redact {
            self.hidden_until = self.hidden_until.max(until);
        }
        busy.open = Some((finding, open));
    }

    fn take(&mut self, family: usize, here: usize, hit: Hit, released: &mut Released) {
        let action = self.rules.action(hit.rule);
        if action == Action::Ignore {
            return;
        }
        let until = here + hit.length;
        let finding = OutputFinding {
            rule: hit.rule.id,
            severity: hit.rule.severity,
            action,
            span: here..until,
            preview: hit.preview,
            reason: hit.reason,
        };
        match action {
            Action::Block => self.blocked = true,
            Action::Redact => {
                if here >= self.hidden_until {
                    released.text.push_str(&hit.rule.placeholder());
                }
                self.hidden_until = self.hidden_until.max(until);
            }
            Action::Report | Action::Ignore => {}
        }
        let busy = &mut self.families[family];
        busy.until = until;
        busy.reached = until;
        match hit.open {
            Some(open) if action != Action::Block => busy.open = Some((finding, open)),
            _ => released.findings.push(finding),
        }
    }

    /// Passes the character that was decided.
    fn step(&mut self, released: &mut Released) {
        let Some(c) = self.buffer.get(self.at..).and_then(|rest| rest.chars().next()) else { return };
        let before = self.buffer.as_bytes().get(..self.at).unwrap_or_default();
        self.markup.pass(c, before);
        self.code.pass(c, before);
        if self.base + self.at >= self.hidden_until {
            released.text.push(c);
        }
        self.at += c.len_utf8();
    }

    /// Drops what nobody will look back to.
    fn forget(&mut self) {
        // One character more than is looked back to, so that its boundary is found where it was.
        let mut keep = self.at.saturating_sub(BACK_BYTES + 4);
        if keep < 4096 && keep < self.buffer.len() / 2 {
            return;
        }
        while !self.buffer.is_char_boundary(keep) {
            keep -= 1;
        }
        self.buffer.drain(..keep);
        self.base += keep;
        self.at -= keep;
    }
}
