//! The child: confines itself, then parses, and tells what it finds.

use std::io::{Read as _, Write as _};
use std::sync::Mutex;

use proofhouse_sandbox::parser;
use proofhouse_scan::{FileReport, Limits, Survey};
use rayon::prelude::*;

use super::confine;
use super::message::{Confinement, Job, Listed, Message};
use crate::Exit;

/// A job is paths and numbers.
const MAX_JOB: u64 = 256 << 20;

/// Reads a job from standard input and does it.
pub fn run() -> anyhow::Result<Exit> {
    let mut text = String::new();
    std::io::stdin().take(MAX_JOB).read_to_string(&mut text)?;
    let job: Job = serde_json::from_str(&text)?;
    let files = confine::files(&job.root);
    let memory = parser::memory(job.memory);
    // The threads are there before the calls that make them are bounded; those that come later are threads too.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(job.threads.max(1)).build()?;
    let calls = parser::calls();
    say(&Message::Confined(Confinement { process: true, files, calls, memory }))?;
    let limits = Limits { content: job.content, ..Limits::default() };
    let skip = job.not_ahead.iter().cloned().collect();
    let mut tell = |path: &str| {
        let _ = say(&Message::Ahead(path.to_owned()));
    };
    let survey = match Survey::ahead(&job.root, &limits, &skip, &mut tell) {
        Ok(survey) => survey,
        Err(error) => {
            say(&Message::Failed(error.to_string()))?;
            return Ok(Exit::Unknown);
        }
    };
    let listed = survey.files().iter().map(|file| Listed {
        path: file.path.clone(),
        location: file.location.clone(),
        size: file.size,
    });
    say(&Message::Survey { files: listed.collect(), refused: survey.refused().to_vec() })?;
    let mut indices = job.only.unwrap_or_else(|| (0..survey.files().len()).collect());
    indices.retain(|index| *index < survey.files().len() && job.skip.binary_search(index).is_err());
    let told: anyhow::Result<Vec<FileReport>> = pool.install(|| {
        let scanned = indices.par_iter().map(|index| {
            say(&Message::Start(*index))?;
            let report = if job.watched {
                survey.scan_watched(*index, &limits, &|finding| {
                    let _ = say(&Message::Found(*index, finding.clone()));
                })
            } else {
                survey.scan(*index, &limits)
            };
            say(&Message::Done(*index, Box::new(report.clone())))?;
            Ok(report)
        });
        scanned.collect()
    });
    settle(&survey, told?)?;
    say(&Message::End)?;
    Ok(Exit::Clean)
}

/// Tells anew what changes when files vouch for each other. Where an earlier child did a part, what is not settled
/// stays unscannable.
fn settle(survey: &Survey, reports: Vec<FileReport>) -> anyhow::Result<()> {
    if reports.len() != survey.files().len() {
        return Ok(());
    }
    let mut settled = reports.clone();
    survey.settle(&mut settled);
    for (index, (before, after)) in reports.iter().zip(settled).enumerate() {
        if (before.outcome, &before.findings) != (after.outcome, &after.findings) {
            say(&Message::Done(index, Box::new(after)))?;
        }
    }
    Ok(())
}

fn say(message: &Message) -> anyhow::Result<()> {
    static OUT: Mutex<()> = Mutex::new(());
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let _held = OUT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    out.flush()?;
    Ok(())
}
