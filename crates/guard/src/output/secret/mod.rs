//! Credentials, by their structure.
//!
//! Providers give their keys prefixes, fixed lengths and check sums so that they can be found; the
//! [`table`] has one line for each. What has no such structure is taken for a secret only where something
//! says so: a name before it ([`assignment`]) or its place in an address ([`connection`]).

mod assignment;
mod check;
mod connection;
mod pem;
mod table;

use super::OutputRule;
use super::look::{Hit, Look, Open, Step, is_word};
pub(super) use pem::further as pem_further;
use table::{Class, Token};

/// Longest token that is seen whole. Of a longer one this much is checked, and the rest goes with it.
const TOKEN_BYTES: usize = 1024;

/// The rules of this family.
pub(super) fn rules() -> impl Iterator<Item = &'static OutputRule> {
    table::TOKENS
        .iter()
        .map(|token| &token.rule)
        .chain(assignment::RULES)
        .chain(connection::RULES)
        .chain(pem::RULES)
}

/// The rules that are on.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Tokens by the first byte of their prefix, as indices into the table.
    tokens: Vec<Vec<u8>>,
    /// Tokens that are known by what stands at a place within them.
    inner: Vec<u8>,
    assignment: bool,
    connection: bool,
    pem: bool,
}

impl Table {
    pub(super) fn new(on: &dyn Fn(&OutputRule) -> bool) -> Self {
        let mut tokens = vec![Vec::new(); 256];
        let mut inner = Vec::new();
        for (index, token) in (0_u8..).zip(table::TOKENS).filter(|(_, token)| on(&token.rule)) {
            match token.prefix.as_bytes().first() {
                Some(first) if token.lead.is_none() => tokens[usize::from(*first)].push(index),
                _ => inner.push(index),
            }
        }
        Self {
            tokens,
            inner,
            assignment: assignment::RULES.iter().any(on),
            connection: connection::RULES.iter().any(on),
            pem: pem::RULES.iter().any(on),
        }
    }

    pub(super) fn recognise(&self, look: Look<'_>) -> Step {
        let Some(&first) = look.bytes().first() else { return Step::No };
        if first == b'-' {
            return if self.pem { pem::recognise(look) } else { Step::No };
        }
        if !is_word(first) {
            return Step::No;
        }
        if !look.previous().is_some_and(is_word) {
            for &index in self.tokens.get(usize::from(first)).into_iter().flatten().chain(&self.inner) {
                let Some(token) = table::TOKENS.get(usize::from(index)) else { continue };
                match recognise(token, look) {
                    Step::No => {}
                    step => return step,
                }
            }
            if self.connection {
                match connection::recognise(look) {
                    Step::No => {}
                    step => return step,
                }
            }
        }
        if self.assignment && look.is_assigned() { assignment::recognise(look) } else { Step::No }
    }
}

/// A token of the table.
fn recognise(token: &'static Token, look: Look<'_>) -> Step {
    let Some((lead, class)) = &token.lead else { return recognise_from(token, look, 0) };
    let most = look.bytes().iter().take(*lead.end()).take_while(|b| class.holds(**b)).count();
    for from in lead.clone().filter(|from| *from <= most) {
        match recognise_from(token, look, from) {
            Step::No => {}
            step => return step,
        }
    }
    // All that is there may be the beginning.
    if most == look.bytes().len() && most < *lead.end() { look.out_of_text() } else { Step::No }
}

/// The same, with its prefix after so many bytes.
fn recognise_from(token: &'static Token, look: Look<'_>, from: usize) -> Step {
    let prefix = token.prefix.as_bytes();
    let seen = look.bytes().get(from..).unwrap_or_default();
    let seen = seen.get(..prefix.len().min(seen.len())).unwrap_or_default();
    if !prefix.starts_with(seen) {
        return Step::No;
    }
    if seen.len() < prefix.len() {
        return look.out_of_text();
    }
    let body = from + prefix.len();
    let most = (*token.length.end()).min(TOKEN_BYTES);
    let class = token.class;
    let Some(run) = look.run(body, most + 1, |b| class.holds(b)) else { return Step::More };
    let long = run > most;
    if run < *token.length.start() || long && most == *token.length.end() {
        return Step::No;
    }
    let run = run.min(most);
    // The end of a sentence is no part of a token that may contain points.
    let text = look.rest().get(..body + run).unwrap_or_default();
    let text = if long { text } else { text.trim_end_matches(['.', '-', ':', '~']) };
    let Some(content) = text.get(body..).filter(|content| content.len() >= *token.length.start()) else {
        return Step::No;
    };
    match (token.check)(text.get(from..).unwrap_or_default(), content) {
        Some(reason) => Step::Hit(Hit {
            rule: &token.rule,
            length: text.len(),
            open: long.then_some(Open::Run(class.function())),
            preview: if from == 0 {
                format!("{}…", token.prefix)
            } else {
                format!("…{}…", token.prefix)
            },
            reason: reason.to_owned(),
        }),
        None => Step::No,
    }
}

impl Class {
    fn holds(self, byte: u8) -> bool {
        self.function()(byte)
    }
}

#[cfg(test)]
mod tests;
