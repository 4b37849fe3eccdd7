//! A model that writes, observed: recorded conversations against the model behind its boundary, window by
//! window, until the guard's hit rate leaves the ordinary one.
//!
//! Conversations are held in this process, with the layers that stand in the gateway and in the same order.

use proofhouse_lifecycle::data::LoadedDataset;
use proofhouse_lifecycle::hits::{HitWatch, Request};
use proofhouse_lifecycle::language::{Boundary, Guarded, chats};
use proofhouse_lifecycle::{Assessment, LookRecord, RaisedSignal};
use proofhouse_system::DatasetRole;

use super::Life;
use crate::{open, terminal};

/// Replays each recorded traffic of the system file and looks at every full window. Ends at the first alarm.
pub async fn run(life: &Life, assessment: &Assessment) -> anyhow::Result<Option<RaisedSignal>> {
    let watch = HitWatch::new(&life.project, &assessment.model, &assessment.datasets)?;
    let (reference, budget) = (watch.monitor().reference(), watch.monitor().budget());
    life.story.tell(|| {
        terminal::line(format!(
            "  guard hit {} of {} ordinary conversations, windows of {}; at most {} false alarms a year at {} looks a \
             day (α {:.1e} a look)",
            reference.hits,
            reference.of,
            watch.window(),
            budget.alarms_per_year(),
            budget.looks_per_day(),
            budget.alpha()
        ));
    });
    let (model, assistant) = (&assessment.model, assessment.model.assistant()?);
    let boundary = Boundary::of(&life.project, &assessment.datasets, assistant)?;
    let guarded = Guarded::new(&boundary)?;
    let language = model.language()?;
    let (mut looks, mut signal, mut seen) = (Vec::new(), None, 0);
    let recorded = life.project.system.datasets.iter().filter(|d| d.role == DatasetRole::Traffic);
    'traffic: for spec in recorded {
        let traffic = LoadedDataset::load(&life.project, spec)?;
        let talks = chats(&traffic, model.spec().id.as_str(), assistant, &boundary.labelling)?;
        for window in talks.chunks(watch.window()) {
            let requests: Vec<Request> = window
                .iter()
                .map(|chat| Request::from(&guarded.watched(&*language, &chat.conversation).1))
                .collect();
            let (look, raised) =
                life.house.observe_hits(&life.project, &watch, model.digest(), &requests).await?;
            life.story.tell(|| {
                terminal::line(format!(
                    "  {:<16} {:>4} requests  guard hit {:>3}  alarm from {:>3}  {}",
                    traffic.id(),
                    look.window.of,
                    look.window.hits,
                    look.line.map_or_else(|| "–".to_owned(), |l| l.to_string()),
                    if look.alarmed { terminal::strong("ALARM") } else { "quiet".to_owned() }
                ));
            });
            seen += look.window.of;
            looks.push(LookRecord::of_rate(&look, seen, open::now(), raised.as_ref()));
            if let Some(raised) = raised {
                life.story.tell(|| {
                    terminal::line(format!("  {}  {}: {}", raised.id, raised.severity, raised.summary))
                });
                signal = Some(raised);
                break 'traffic;
            }
        }
    }
    life.house.record_looks(&life.project, &life.environment, &looks).await?;
    Ok(signal)
}
