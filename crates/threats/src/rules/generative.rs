//! Threats to systems that write, retrieve or act.
//!
//! This version has no rules for them. Where the system has no such part, that is a proof that they do not
//! apply; where it has one, the answer is that this version cannot tell, never that there is no threat.

use proofhouse_system::{ComponentKind, Task};

use super::{Case, case::word};
use crate::judgement::Judgement;

/// Whether the system has a part that a group of threats is about; absent for the other groups.
pub(super) fn concerns(group: &str, c: &Case<'_>) -> Option<Judgement> {
    let writes = || match &c.system().model {
        Some(m) => c.says(m.task == Task::Generation, "model.task", word(&m.task), Some("classification")),
        None => c.says(false, "model", "none", None),
    };
    match group {
        "LLM" => {
            let kinds = [
                ComponentKind::LlmApp,
                ComponentKind::Prompt,
                ComponentKind::Agent,
                ComponentKind::RagIndex,
                ComponentKind::Memory,
            ];
            Some(writes().or(c.has(&kinds)))
        }
        "RAG" => Some(c.has(&[ComponentKind::RagIndex])),
        "AGT" => {
            let kinds =
                [ComponentKind::Agent, ComponentKind::Tool, ComponentKind::ToolServer, ComponentKind::Memory];
            Some(c.has(&kinds))
        }
        _ => None,
    }
}
