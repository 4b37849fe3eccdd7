//! Attacks by name.

use anyhow::{Context as _, bail, ensure};
use proofhouse_robustness::certify::Proof;
use proofhouse_robustness::decision::{BoundaryWalk, HopSkipJump, SimBa, Starts};
use proofhouse_robustness::{
    Access, Apgd, Attack, Budget, CarliniWagner, DeepFool, Fab, Fgsm, Norm, Pgd, Sparse, Square, standard,
};

use super::subject::Subject;
use crate::args::attack::{AttackKind, EvasionArgs};

/// The attacks that the arguments name, in their order, with the budget that they state.
pub fn chosen(
    args: &EvasionArgs,
    subject: &Subject,
    norm: Norm,
    draws: usize,
    proof: Option<&Proof>,
) -> anyhow::Result<Vec<Box<dyn Attack>>> {
    let (steps, restarts, seed, queries) = (args.steps, args.restarts, args.subject.seed, args.queries);
    let access = subject.access();
    let mut all: Vec<Box<dyn Attack>> = Vec::new();
    for kind in &args.attacks {
        let needs = match kind {
            AttackKind::Standard | AttackKind::HopSkipJump | AttackKind::Boundary | AttackKind::Exact => {
                Access::Labels
            }
            AttackKind::Square | AttackKind::Simba => Access::Scores,
            _ => Access::Gradients,
        };
        refuse_blind(*kind, needs, subject)?;
        match kind {
            AttackKind::Standard => {
                // What is known exactly needs no search, and leaves nothing to one but what it left open.
                all.extend(proof.and_then(exact));
                let budget = Budget { steps, restarts, queries, draws, seed, ..Budget::default() };
                all.extend(standard(access, norm, &budget));
                if access == Access::Labels {
                    all.push(Box::new(hop_skip_jump(subject, queries, seed)));
                    all.push(Box::new(walk(subject, queries, seed)));
                }
            }
            AttackKind::Fgsm => all.push(Box::new(Fgsm::default())),
            AttackKind::Pgd => {
                all.push(Box::new(Pgd { steps, restarts, draws, seed, ..Pgd::default() }));
            }
            AttackKind::ApgdCe => {
                all.push(Box::new(Apgd { steps, restarts, draws, ..Apgd::cross_entropy(seed) }));
            }
            AttackKind::ApgdDlr => {
                all.push(Box::new(Apgd { steps, restarts, draws, ..Apgd::dlr(seed) }));
            }
            AttackKind::ApgdT => {
                all.push(Box::new(Apgd { steps, restarts, draws, ..Apgd::targeted(seed) }));
            }
            AttackKind::FabT => all.push(Box::new(Fab { steps, restarts, draws, ..Fab::new(seed) })),
            AttackKind::CarliniWagner => {
                all.push(Box::new(CarliniWagner { steps, ..CarliniWagner::default() }));
            }
            AttackKind::Deepfool => all.push(Box::new(DeepFool { steps, ..DeepFool::default() })),
            AttackKind::Sparse => {
                all.push(Box::new(Sparse { steps, restarts, seed, ..Sparse::default() }));
            }
            AttackKind::Square => all.push(Box::new(Square::new(queries, seed))),
            AttackKind::Simba => {
                // The whole radius in one feature, a tenth of it where features share it.
                let eps = args.eps.first().copied().unwrap_or(0.1);
                let step = if norm == Norm::Linf { eps } else { eps / 10.0 };
                all.push(Box::new(SimBa { step, frequencies: false, queries, seed }));
            }
            AttackKind::HopSkipJump => all.push(Box::new(hop_skip_jump(subject, queries, seed))),
            AttackKind::Boundary => all.push(Box::new(walk(subject, queries, seed))),
            AttackKind::Exact => all.push(proof.and_then(exact).context(
                "there are no exact distances here: they need a tree ensemble by itself, in linf, with --prove auto",
            )?),
        }
    }
    ensure!(
        !all.is_empty(),
        "no attack is left to run: without gradients nothing attacks in the norm {}",
        norm.name()
    );
    Ok(all)
}

fn refuse_blind(kind: AttackKind, needs: Access, subject: &Subject) -> anyhow::Result<()> {
    if needs <= subject.access() {
        return Ok(());
    }
    let why = subject.without_gradients.as_deref().unwrap_or("there are none");
    let (follows, instead) = match needs {
        Access::Gradients => ("gradients", "standard, square or hop-skip-jump"),
        _ => ("scores", "standard, hop-skip-jump or boundary"),
    };
    let asked_for = match needs {
        Access::Gradients if why.starts_with("--black-box") => "; leave --black-box out, or",
        _ if why.starts_with("--labels-only") => "; leave --labels-only out, or",
        _ => ";",
    };
    bail!("{kind:?} follows {follows}, and there are none here ({why}){asked_for} attack with {instead}")
}

fn exact(proof: &Proof) -> Option<Box<dyn Attack>> {
    proof.attack().map(|trees| Box::new(trees.clone()) as Box<dyn Attack>)
}

/// Walks start from rows of other classes: noise is seldom of another one.
fn starts(subject: &Subject) -> Starts {
    Starts { rows: subject.rows.clone(), labels: subject.labels.clone() }
}

fn hop_skip_jump(subject: &Subject, queries: u64, seed: u64) -> HopSkipJump {
    HopSkipJump { starts: starts(subject), queries, stop_within: true, seed }
}

fn walk(subject: &Subject, queries: u64, seed: u64) -> BoundaryWalk {
    BoundaryWalk { starts: starts(subject), queries, stop_within: true, seed }
}
