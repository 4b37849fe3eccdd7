//! Tests of a running deployment: who is let in, how fast, and whether a recall keeps its promise; of one that
//! writes also what [`lines`] tests. Each result is evidence.

use std::num::NonZeroU32;

use bytes::Bytes;
use proofhouse_core::{Measurement, Unit, Verdict};
use proofhouse_lifecycle::check::{Outcome, Setup};
use proofhouse_lifecycle::{Assessment, Evidence, Planned, RecallOrder, RecallOutcome};
use serde_json::json;

use super::watch::Served;
use super::{Life, lines};
use crate::plane::{Keys, Plane};
use crate::traffic::{Caller, Door};

/// A client slower than this would make the rate test wait too long for its answers.
const TESTED_RATE: f64 = 20.0;

/// The deployment tests this build has.
pub async fn run(
    life: &Life,
    planned: &Planned,
    assessment: &Assessment,
    plane: &mut Plane,
    keys: &Keys,
) -> anyhow::Result<Vec<Evidence>> {
    let subject = assessment.model.subject();
    let setup = |config| Setup::of(subject.clone(), config);
    let access = access(life, plane, keys).await?;
    let chat = matches!(Door::of(&life.project)?, Door::Chat(_));
    let boundary = if chat { Some(lines::boundary(life, assessment, plane, keys).await?) } else { None };
    let budget = if chat { lines::budget(life, plane, keys).await? } else { None };
    let rate = rate(life, plane, keys).await?;
    let mut results = vec![(
        &["access-control-test"][..],
        setup(json!({"gateway": plane.name, "calls": access.0})),
        access.1,
    )];
    if let Some((config, outcome)) = rate {
        results.push((&["rate-limit-test"][..], setup(config), outcome));
    }
    if let Some((config, outcome)) = boundary {
        results.push((
            &["gateway-boundary-test", "irreversible-action-test", "context-extraction"][..],
            setup(config),
            outcome,
        ));
    }
    if let Some((config, outcome)) = budget {
        results.push((&["budget-test"][..], setup(config), outcome));
    }
    let sound = life.house.ledger().verify(life.house.verifier(), None).await?;
    results.push((
        &["audit-chain-verify"][..],
        setup(json!({"ledger": sound.origin})),
        Outcome::new(
            Verdict::from(Some(sound.is_sound())),
            format!("every leaf, node, checkpoint and view of {} entries agrees", sound.size),
        ),
    ));
    Ok(life.house.record_outcomes(planned, assessment.policy, results).await?)
}

/// Calls that must be refused, and one that must not.
async fn access(life: &Life, plane: &Plane, keys: &Keys) -> anyhow::Result<(serde_json::Value, Outcome)> {
    let deployment = life.project.system.deployment.as_ref();
    let model = life.project.model()?;
    let door = Door::of(&life.project)?;
    let address = plane.handle.address();
    let mut calls: Vec<(String, u16, u16)> = Vec::new();
    let mut call = async |what: String, key: Option<&str>, name: &str, expected: u16| -> anyhow::Result<()> {
        let caller = Caller::new(address, door, name, key)?;
        let answer = caller.send(door.smallest(&life.project, name)?).await?;
        calls.push((what, expected, answer.status));
        Ok(())
    };
    call("no key".to_owned(), None, model.id.as_str(), 401).await?;
    call(
        "an unknown key".to_owned(),
        Some("ph_nobody_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        model.id.as_str(),
        401,
    )
    .await?;
    for client in deployment.iter().flat_map(|d| &d.gateway.clients) {
        let key = keys.of(client.id.as_str())?.expose();
        let may = deployment.is_some_and(|d| {
            d.gateway.roles.iter().any(|r| r.id == client.role && r.models.contains(&model.id))
        });
        call(client.id.to_string(), Some(key), model.id.as_str(), if may { 200 } else { 403 }).await?;
        // A client with few calls a second must not be refused for its rate in place of its rights.
        if may && client.burst.get() > 2 {
            call(
                format!("{} asking for a model that is not there", client.id),
                Some(key),
                "no-such-model",
                404,
            )
            .await?;
        }
    }
    let wrong: Vec<String> = calls
        .iter()
        .filter(|(_, expected, got)| expected != got)
        .map(|(what, expected, got)| format!("{what} got {got}, not {expected}"))
        .collect();
    let criterion = if wrong.is_empty() {
        format!(
            "only granted calls succeed: {} of {} calls answered as they should",
            calls.len(),
            calls.len()
        )
    } else {
        format!("only granted calls succeed; {}", wrong.join("; "))
    };
    let right = (calls.len() - wrong.len()) as u64;
    let outcome = Outcome::new(Verdict::from(Some(wrong.is_empty())), criterion).measured(vec![
        Measurement::proportion("calls-answered-as-granted", right, calls.len() as u64, 0.95),
    ]);
    Ok((json!(calls), outcome))
}

/// Fires twice the burst of the slowest client at once: the burst passes, the rest waits its turn.
async fn rate(
    life: &Life,
    plane: &Plane,
    keys: &Keys,
) -> anyhow::Result<Option<(serde_json::Value, Outcome)>> {
    let Some(deployment) = &life.project.system.deployment else { return Ok(None) };
    let model = life.project.model()?;
    let slow = deployment
        .gateway
        .clients
        .iter()
        .filter(|c| c.requests_per_second.get() <= TESTED_RATE)
        .filter(|c| deployment.gateway.roles.iter().any(|r| r.id == c.role && r.models.contains(&model.id)))
        .max_by_key(|c| c.burst.get());
    let Some(client) = slow else { return Ok(None) };
    let burst = NonZeroU32::new(client.burst.get()).unwrap_or(NonZeroU32::MIN).get();
    let rate = client.requests_per_second.get();
    let key = keys.of(client.id.as_str())?.expose();
    let door = Door::of(&life.project)?;
    let caller = Caller::new(plane.handle.address(), door, model.id.as_str(), Some(key))?;
    let calls = burst * 2;
    let begun = std::time::Instant::now();
    let mut statuses = Vec::new();
    for _ in 0..calls {
        // An empty body is refused after the rate was counted, and costs no instance anything.
        statuses.push(caller.send(Bytes::new()).await?.status);
    }
    let refused = statuses.iter().filter(|s| **s == 429).count();
    let passed = calls as usize - refused;
    // What may pass: the burst, and what is refilled while the calls are made.
    let refilled = (begun.elapsed().as_secs_f64() * rate).ceil() + 1.0;
    let most = f64::from(burst) + refilled;
    let holds = refused > 0 && passed as f64 <= most;
    let criterion = format!(
        "of {calls} calls at once by {} at most {most:.0} pass (burst {burst}, {rate} a second): {passed} did",
        client.id
    );
    let outcome = Outcome::new(Verdict::from(Some(holds)), criterion).measured(vec![Measurement::new(
        "calls-let-through",
        passed as f64,
        Unit::Count,
    )]);
    Ok(Some((json!({"client": client.id, "calls": calls, "burst": burst, "rate": rate}), outcome)))
}

/// Whether the recall kept its promise: complete, within the objective, and nothing answered afterwards.
pub async fn recall_drill(
    life: &Life,
    planned: &Planned,
    assessment: &Assessment,
    order: &RecallOrder,
    outcome: &RecallOutcome,
    served: &Served,
) -> anyhow::Result<Evidence> {
    let objective =
        life.project.system.requirements.recall.as_ref().map(|r| r.objective_seconds.get() * 1000.0);
    let certificate = &outcome.certificate;
    let took = (certificate.certified.unix_ms() - order.ordered.unix_ms()) as f64;
    let within = objective.map(|o| took <= o);
    let after = certificate.answered_after_denial.max(served.sent_after_denial);
    let complete = outcome.gaps.is_empty() && after == 0;
    let verdict = Verdict::from(within).and(Verdict::from(Some(complete)));
    let criterion = format!(
        "every instance proven stopped within {} ms: {took:.0} ms, {} instances, {} requests answered after the denial",
        objective.map_or_else(|| "an unstated number of".to_owned(), |o| format!("{o:.0}")),
        certificate.instances.len(),
        after
    );
    let measured = Outcome::new(verdict, criterion).measured(vec![
        Measurement::new("time-to-certificate", took, Unit::Milliseconds),
        Measurement::new("answered-after-denial", after as f64, Unit::Count),
        Measurement::new("answered-under-load", served.sent.len() as f64, Unit::Count),
    ]);
    let setup = Setup::of(assessment.model.subject(), json!({"recall": order.id, "scope": order.scope}));
    let recorded = life
        .house
        .record_outcomes(planned, assessment.policy, vec![(&["recall-drill"][..], setup, measured)])
        .await?;
    recorded.into_iter().next().ok_or_else(|| anyhow::anyhow!("the drill was not recorded"))
}
