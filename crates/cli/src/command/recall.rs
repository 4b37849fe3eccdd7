//! `recall`: orders it, and waits for the certificate of whoever serves; where nobody does, proves that.

use std::time::{Duration, Instant};

use proofhouse_lifecycle::{House, LifecycleError, RecallOrder, Scope, verify_certificate};
use serde_json::json;

use crate::Exit;
use crate::args::{Format, RecallArgs};
use crate::fleet::HostFleet;
use crate::plane::NoGateway;
use crate::{open, terminal};

const LOOK_EVERY: Duration = Duration::from_millis(100);

pub async fn run(args: RecallArgs) -> anyhow::Result<Exit> {
    let house = open::existing_house(&args.home).await?;
    let order = house.order_recall(args.digest, Scope::Everywhere, &args.reason, None).await?;
    terminal::note(format!("{} is in force: {} may be served nowhere", order.id, order.digest));
    let deadline = Instant::now() + Duration::from_secs(args.wait);
    loop {
        if let Some(envelope) = house.certificate_of(&order.id).await? {
            return certified(&house, &order, &envelope, args.format).await;
        }
        // A free lock means that no run and no deployment lives in this house.
        match House::lock(house.home()) {
            Ok(_lock) => {
                let fleet = HostFleet::new("", house.public_key_file())?;
                let gateway = NoGateway { since: open::now() };
                let outcome = house.carry_out(&order, &fleet, &gateway).await?;
                if let Some(envelope) = outcome.envelope {
                    let bytes = house.object(&envelope).await?;
                    return certified(&house, &order, &bytes, args.format).await;
                }
                outcome.gaps.iter().for_each(|gap| terminal::error(gap));
                return Ok(Exit::Findings);
            }
            Err(LifecycleError::InUse(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if Instant::now() >= deadline {
            terminal::error(&format!(
                "no certificate within {} s; the order stays in force, and `proofhouse status` shows how it goes on",
                args.wait
            ));
            return Ok(Exit::Unknown);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn certified(
    house: &House,
    order: &RecallOrder,
    envelope: &[u8],
    format: Format,
) -> anyhow::Result<Exit> {
    let certificate = verify_certificate(envelope, house.trusted())?;
    let mut gaps = certificate.gaps();
    gaps.extend(certificate.cross_check(house.ledger()).await?);
    if certificate.order_seq != order.seq {
        gaps.push("it certifies another order".to_owned());
    }
    if !gaps.is_empty() {
        gaps.iter().for_each(|gap| terminal::error(gap));
        return Ok(Exit::Unknown);
    }
    let file = house.home().join("certificates").join(format!("{}.dsse.json", order.id));
    if format == Format::Json {
        terminal::json(&json!({"certificate": certificate, "file": file}))?;
    } else {
        terminal::line(format!(
            "certified: {} instances proven stopped, {} requests answered after the denial",
            certificate.instances.len(),
            certificate.answered_after_denial
        ));
        terminal::line(file.display());
    }
    Ok(Exit::Clean)
}
