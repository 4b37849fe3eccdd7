//! The door for tensors: Open Inference Protocol V2.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::http::request::Parts;

use super::stage::{Admitted, Allowed, Asked, Authenticated, Cleared, GuardFacts, Sending};
use super::{Answer, Operation, Released, Surroundings, unless_closed};
use crate::audit::{Draft, Observed};
use crate::config::Serves;
use crate::infer;
use crate::refusal::Refusal;

pub(super) async fn run(
    operation: Operation,
    model: &str,
    parts: &Parts,
    body: Incoming,
    around: &Surroundings<'_>,
    draft: &mut Draft,
) -> Result<Released, Refusal> {
    let route = around.snapshot.routes.get(model).filter(|route| matches!(route.serves, Serves::Tensors));
    let Some(route) = route else {
        // Which models exist is for callers with a key to know.
        Authenticated::by_bearer(&parts.headers, around.snapshot, draft)?;
        return Err(Refusal::UNKNOWN_MODEL);
    };
    draft.aim(route);
    // The quarantine, before anything about the caller is looked at.
    let admitted = Admitted::to(route)?;
    let gate = Arc::clone(admitted.in_flight().gate());
    let rest = async {
        let caller = Authenticated::by_bearer(&parts.headers, around.snapshot, draft)?;
        let received = caller
            .limit()?
            .receive(&parts.headers, body, around.limits.body_bytes, around.limits.body_timeout, draft)
            .await?;
        let body = received.bytes().clone();
        let inputs = if operation == Operation::Infer {
            draft.commit(&body);
            infer::request(&body).map_err(|error| Refusal {
                message: error.to_string().into(),
                ..Refusal::new(400, "body/malformed", "")
            })?
        } else {
            Vec::new()
        };
        let asked = Asked {
            operation,
            bytes: body.len() as u64,
            max_bytes: around.limits.body_bytes,
            // Tensors hold nothing that could direct a model.
            guard: GuardFacts::unread(),
        };
        let allowed = Allowed::by_policy(admitted, &received, &asked, around, draft)?;
        let tail = match operation {
            Operation::Infer => "/infer",
            Operation::Ready => "/ready",
            _ => "",
        };
        let cleared = Cleared::tensors(
            allowed,
            Sending {
                method: operation.method(),
                path: format!("/v2/models/{model}{tail}"),
                protocol: None,
                accept: "application/json",
                body,
                within: around.limits.upstream_timeout,
                answer_bytes: around.limits.response_bytes,
            },
        );
        let answer = around.pool.forward(&cleared, &draft.record.request_id).await?;
        // Looked at again on the way out: the instance answered, the model may be quarantined since.
        if cleared.in_flight().gate().is_closed() {
            return Err(Refusal::QUARANTINED);
        }
        let observed = (operation == Operation::Infer).then(|| Observed {
            request_id: draft.record.request_id.clone(),
            at: draft.record.at,
            model: route.model.clone(),
            digest: route.digest,
            inputs,
            outputs: infer::response(&answer.body).unwrap_or_default(),
        });
        Ok(Released {
            answer: Answer::Whole(answer.body),
            code: "ok",
            kind: "application/json",
            in_flight: Some(Arc::clone(cleared.in_flight())),
            route: Some(Arc::clone(route)),
            observed,
        })
    };
    unless_closed(&gate, rest).await
}
