//! What the system prompt forbids, for the variant that minds it.

use crate::context::{Context, What, Who};
use crate::orders::{Deed, Order};
use crate::tools::Known;
use crate::words::{Class, Sentence, content_words, sentences};

/// The prohibitions of a system prompt.
pub(crate) struct Rules {
    forbidden: Vec<Sentence>,
    /// What alone may be talked about, where the prompt says so.
    only: Vec<String>,
}

impl Rules {
    pub(crate) fn of(context: &Context<'_>) -> Self {
        let system = context.said.iter().filter(|said| said.who == Who::System);
        let all: Vec<Sentence> =
            system.flat_map(|said| sentences(said.text())).map(|s| Sentence::new(&s)).collect();
        let only = all
            .iter()
            .filter(|s| {
                s.folded.contains("only")
                    && ["question", "about", "topic", "help"].iter().any(|w| s.folded.contains(w))
            })
            .flat_map(|s| content_words(&s.raw))
            .filter(|word| !["only", "answer", "question", "topic", "help"].contains(&word.as_str()))
            .collect();
        let forbidden = all
            .into_iter()
            .filter(|s| {
                s.has(Class::Not) || ["confidential", "secret", "keep "].iter().any(|w| s.folded.contains(w))
            })
            .collect();
        Self { forbidden, only }
    }

    /// Whether an order is one that the prompt forbids.
    pub(crate) fn forbid(&self, order: &Order, tools: &[Known<'_>]) -> bool {
        self.forbidden.iter().any(|rule| match &order.deed {
            Deed::Reveal(what, _) => match what {
                What::System => rule.has(Class::System) || rule.has(Class::Reveal),
                What::Secret => rule.has(Class::Secret) || rule.has(Class::Reveal),
                What::Tools => rule.has(Class::Tools),
                What::All => rule.has(Class::All),
            },
            Deed::Call { tool, .. } => tools.get(*tool).is_some_and(|tool| {
                tool.classes.iter().any(|class| rule.has(*class)) && tool.overlap(&rule.raw) > 0
            }),
            Deed::Link { what, .. } => what.is_some() && rule.has(Class::Reveal) || rule.has(Class::Link),
            Deed::Say(text) | Deed::Begin(text) | Deed::End(text) => shared(&rule.raw, text) >= 2,
        })
    }

    /// Whether a question is outside of what may be talked about.
    pub(crate) fn is_beside_the_point(&self, question: &str) -> bool {
        !self.only.is_empty()
            && content_words(question).len() > 2
            && !content_words(question).iter().any(|word| self.only.contains(word))
    }
}

fn shared(a: &str, b: &str) -> usize {
    let a = content_words(a);
    content_words(b).iter().filter(|word| a.contains(word)).count()
}
