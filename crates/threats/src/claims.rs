//! What the system file claims to have under control.
//!
//! Claims are shown beside a threat with the evidence they need. No rule reads them: in tools where a
//! checked box removes a threat, one untrue box removes many.

use proofhouse_system::{ComponentKind, Content, ThreatId};

use crate::judgement::{Fact, Tri};
use crate::rules::Case;

/// Everything claimed against a threat: controls that name it, and what parts say of themselves.
pub(crate) fn against(case: &Case<'_>, id: &ThreatId) -> Vec<Fact> {
    let mut claims: Vec<Fact> = controls(case, id);
    match id.as_str() {
        "INF-01" => claims.extend(of_endpoints(case, "authenticates")),
        "INF-02" => {
            claims.extend(of_endpoints(case, "rate_limits"));
            let asks = |f: &proofhouse_system::Flow| f.carries.contains(&Content::Requests);
            claims.extend(
                case.system()
                    .flows
                    .iter()
                    .filter(|f| asks(f))
                    .filter_map(|f| stated(case, format!("flows[{}].rate_limited", f.key()), f.rate_limited)),
            );
        }
        "INF-05" => {
            let crossing = case.system().flows.iter().filter(|f| case.graph.crosses(f).holds != Tri::False);
            claims.extend(crossing.flat_map(|f| {
                let at = |key: &str| format!("flows[{}].{key}", f.key());
                let parts = [
                    stated(case, at("authenticated"), f.authenticated),
                    stated(case, at("encrypted"), f.encrypted),
                ];
                parts.into_iter().flatten()
            }));
        }
        "STR-05" => claims.extend(case.system().decisions.iter().filter_map(|d| {
            let review = d.human_review.as_deref()?;
            Some(case.fact(&format!("decisions[{}].human_review", d.id), review))
        })),
        "STR-16" => {
            claims.extend(case.system().decisions.iter().filter_map(|d| {
                Some(case.fact(&format!("decisions[{}].appeal", d.id), d.appeal.as_deref()?))
            }))
        }
        _ => {}
    }
    claims
}

fn controls(case: &Case<'_>, id: &ThreatId) -> Vec<Fact> {
    let controls = case.system().controls.iter().filter(|c| c.against.contains(id));
    controls
        .map(|c| {
            let evidence: Vec<&str> = c.evidence.iter().map(|e| e.as_str()).collect();
            let value = format!("{}; stands on {}", c.claim, evidence.join(", "));
            case.fact(&format!("controls[{}]", c.id), value)
        })
        .collect()
}

fn of_endpoints<'c>(case: &'c Case<'_>, name: &'static str) -> impl Iterator<Item = Fact> + use<'c> {
    const ENDPOINTS: &[ComponentKind] =
        &[ComponentKind::Gateway, ComponentKind::Inference, ComponentKind::LlmApp, ComponentKind::ToolServer];
    case.graph.of_kind(ENDPOINTS).filter_map(move |c| {
        let value = if name == "authenticates" { c.authenticates } else { c.rate_limits };
        stated(case, format!("components[{}].{name}", c.id), value)
    })
}

fn stated(case: &Case<'_>, path: String, value: Option<bool>) -> Option<Fact> {
    value.map(|v| case.fact(&path, v.to_string()))
}
