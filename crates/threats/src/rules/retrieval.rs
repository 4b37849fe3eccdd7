//! Threats to what is looked up for a model.

use proofhouse_dialogue::{Secrecy, Trust};
use proofhouse_system::{ComponentKind, Source, SourceKind};

use super::Rule;
use super::case::{Case, word};
use crate::judgement::Judgement;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "RAG-01",
        meaning: "Others can write what is indexed, and a passage written for the question is the one \
                  that is found.",
        decide: |c| {
            let untrusted = any_retrieved(c, |path, source| {
                let untrusted = source.trust == Trust::Untrusted;
                let to = if untrusted { "trusted" } else { "untrusted" };
                c.says(untrusted, &format!("{path}.trust"), word(&source.trust), Some(to))
            });
            c.retrieves().and(untrusted.or(c.external_writes_documents(&[ComponentKind::RagIndex])))
        },
    },
    Rule {
        id: "RAG-02",
        meaning: "One index answers callers of different rights, and finding does not ask who is looking.",
        decide: |c| {
            let shared = c.any_component(&[ComponentKind::RagIndex], |x| {
                c.flag(&format!("components[{}].multi_tenant", x.id), x.multi_tenant)
            });
            c.retrieves().and(shared)
        },
    },
    Rule {
        id: "RAG-03",
        meaning: "Vectors of confidential text lie with another party, and much of a text can be told \
                  from its vector.",
        decide: |c| {
            let leave = any_retrieved(c, |path, source| {
                let confidential = source.secrecy == Secrecy::Private;
                let to = if confidential { "public" } else { "private" };
                c.flag(&format!("{path}.vectors_leave"), source.vectors_leave).and(c.says(
                    confidential,
                    &format!("{path}.secrecy"),
                    word(&source.secrecy),
                    Some(to),
                ))
            });
            c.retrieves().and(leave)
        },
    },
    Rule {
        id: "RAG-04",
        meaning: "Documents written for the operator's own people are indexed, and such documents hold \
                  passwords and keys.",
        decide: |c| {
            let internal = any_retrieved(c, |path, source| {
                c.flag(&format!("{path}.internal_documents"), source.internal_documents)
            });
            c.retrieves().and(internal)
        },
    },
    Rule {
        id: "RAG-05",
        meaning: "Documents change while old versions remain, and it is likeness, not date, that decides \
                  which one is found.",
        decide: |c| {
            let changes = any_retrieved(c, |path, source| c.flag(&format!("{path}.changes"), source.changes));
            c.retrieves().and(changes)
        },
    },
    Rule {
        id: "RAG-06",
        meaning: "Answers show where a statement is taken from, and people believe it for that, whether or \
                  not the source says it.",
        decide: |c| c.retrieves().and(c.assistant("shows_sources", |a| a.shows_sources)),
    },
];

/// A source that retrieval looks into, of which something holds.
fn any_retrieved(c: &Case<'_>, judge: impl Fn(&str, &Source) -> Judgement) -> Judgement {
    c.any_source(|path, source| {
        let retrieved = source.kind == SourceKind::Retrieved;
        c.says(retrieved, &format!("{path}.kind"), word(&source.kind), None).and(judge(path, source))
    })
}
