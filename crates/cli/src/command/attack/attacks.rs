//! Attacks by name.

use anyhow::bail;
use proofhouse_robustness::{
    Access, Apgd, Attack, Budget, CarliniWagner, DeepFool, Fab, Fgsm, Norm, Pgd, Sparse, Square, standard,
};

use crate::args::attack::{AttackArgs, AttackKind};

/// The attacks that the arguments name, in their order, with the budget that they state.
pub fn chosen(
    args: &AttackArgs,
    access: Access,
    norm: Norm,
    draws: usize,
) -> anyhow::Result<Vec<Box<dyn Attack>>> {
    let (steps, restarts, seed) = (args.steps, args.restarts, args.seed);
    let mut all: Vec<Box<dyn Attack>> = Vec::new();
    for kind in &args.attacks {
        let needs = match kind {
            AttackKind::Standard | AttackKind::Square => Access::Scores,
            _ => Access::Gradients,
        };
        if needs > access {
            bail!(
                "{kind:?} follows gradients, and there are none here; leave --black-box out, or attack with \
                 standard or square"
            );
        }
        match kind {
            AttackKind::Standard => {
                let budget =
                    Budget { steps, restarts, queries: args.queries, draws, seed, ..Budget::default() };
                all.extend(standard(access, norm, &budget));
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
            AttackKind::Square => all.push(Box::new(Square::new(args.queries, seed))),
        }
    }
    if all.is_empty() {
        bail!("no attack is left to run: without gradients nothing attacks in the norm {}", norm.name());
    }
    Ok(all)
}
