//! Threats to what a model does.

use proofhouse_dialogue::Effect;
use proofhouse_system::{Approval, ComponentKind, Identity, Sink, StepLimits};

use super::Rule;
use super::case::{Case, word, words};
use crate::judgement::Judgement;

/// Effects that change something.
const CHANGES: &[Effect] = &[Effect::Write, Effect::Send, Effect::Pay];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "AGT-01",
        meaning: "The model can call what changes something, or what reaches further than its task needs.",
        decide: |c| {
            let wider = c.any_tool(|path, t| c.flag(&format!("{path}.wider_than_task"), t.wider_than_task));
            c.acts().and(c.any_tool_that(CHANGES).or(wider))
        },
    },
    Rule {
        id: "AGT-02",
        meaning: "It decides by itself what to do next, after reading what others wrote.",
        decide: |c| c.acts().and(c.assistant("plans", |a| a.plans)).and(c.others_write()),
    },
    Rule {
        id: "AGT-03",
        meaning: "In one session it sees what is private, reads what others wrote, and can send: what the \
                  second asks for, the third carries out of the first.",
        decide: |c| c.acts().and(c.sees_private()).and(c.others_write()).and(c.can_send()),
    },
    Rule {
        id: "AGT-04",
        meaning: "A call of a tool moves money, sends or changes something, and not every one of those can \
                  be taken back.",
        decide: |c| c.acts().and(c.any_tool_that(CHANGES)),
    },
    Rule {
        id: "AGT-05",
        meaning: "What it is told in one conversation is there in the next, and whoever told it may be \
                  somebody else.",
        decide: |c| c.acts().or(c.speaks()).and(c.keeps_what_was_said()),
    },
    Rule {
        id: "AGT-06",
        meaning: "A tool acts in the name of a service, so it can do for each user what any user may do.",
        decide: |c| {
            let shared = c.any_tool(|path, t| {
                let path = format!("{path}.identity");
                match t.identity {
                    None => Judgement::missing(path),
                    Some(who) => {
                        let service = who == Identity::Service;
                        let to = if service { "user" } else { "service" };
                        c.says(service, &path, word(&who), Some(to))
                    }
                }
            });
            c.acts().and(shared)
        },
    },
    Rule {
        id: "AGT-07",
        meaning: "What the model writes is run as code, a command or a query.",
        decide: |c| {
            let runs = c.any_tool(|path, t| c.flag(&format!("{path}.runs_code"), t.runs_code));
            c.acts().and(runs.or(c.output_reaches(&[Sink::Command])))
        },
    },
    Rule {
        id: "AGT-08",
        meaning: "Agents tell each other what to do, and each takes the other's word for who it is.",
        decide: |c| {
            let between = c.any_flow(|f| {
                let agent = |id: &str| c.graph.of_kind(&[ComponentKind::Agent]).any(|x| x.id.as_str() == id);
                let (from, to) = (f.from.as_str(), f.to.as_str());
                let both = agent(from) && agent(to) && from != to;
                let path = format!("flows[{}].carries", f.key());
                let judged = c.says(both, &path, words(&f.carries), None);
                if both { judged.along(vec![from.to_owned(), to.to_owned()]) } else { judged }
            });
            c.acts().and(between)
        },
    },
    Rule {
        id: "AGT-09",
        meaning: "One agent acts on what another says with nothing between them, so one error becomes \
                  many.",
        decide: |c| c.acts().and(c.assistant("unchecked_handover", |a| a.unchecked_handover)),
    },
    Rule {
        id: "AGT-10",
        meaning: "A person's agreement is what stands between a call and its effect, and people who are \
                  asked often, or asked misleadingly, agree.",
        decide: |c| {
            let asked = c.any_tool(|path, t| {
                // Nothing said means: asked when untrusted text is in context and the call has an effect.
                let asks = t.approval.unwrap_or(Approval::WhenUntrusted) != Approval::Never;
                let acts = t.effects.iter().any(|e| CHANGES.contains(e));
                let value = t.approval.as_ref().map_or_else(|| word(&Approval::WhenUntrusted), word);
                c.says(acts, &format!("{path}.effects"), words(&t.effects), None).and(c.says(
                    asks,
                    &format!("{path}.approval"),
                    value,
                    Some(if asks { "never" } else { "always" }),
                ))
            });
            c.acts().and(asked)
        },
    },
    Rule {
        id: "AGT-11",
        meaning: "Agents can be started that nobody has listed, and nobody watches what is not listed.",
        decide: |c| c.acts().and(c.assistant("unregistered_agents", |a| a.unregistered_agents)),
    },
    Rule {
        id: "AGT-12",
        meaning: "What was done cannot be traced to the user, the agent, the tool and the input it was \
                  done with.",
        decide: |c| c.acts().and(c.assistant("actions_attributed", |a| a.actions_attributed).negate()),
    },
    Rule {
        id: "AGT-13",
        meaning: "Keys lie in its configuration, its prompts or what its tools answer, and the model can \
                  be asked for what it can see.",
        decide: |c| c.acts().and(c.assistant("secrets_in_reach", |a| a.secrets_in_reach)),
    },
    Rule {
        id: "AGT-14",
        meaning: "It goes on until it thinks it is done, and nothing stops it when it never does.",
        decide: |c| c.acts().and(c.assistant("plans", |a| a.plans)).and(unlimited(c)),
    },
    Rule {
        id: "AGT-15",
        meaning: "It can write the rules, prompts, schedules or descriptions it works by.",
        decide: |c| c.acts().and(c.assistant("changes_itself", |a| a.changes_itself)),
    },
    Rule {
        id: "AGT-16",
        meaning: "The words of a request decide which model or agent serves it, so words can choose the \
                  weakest.",
        decide: |c| c.acts().or(c.speaks()).and(c.assistant("routes_by_content", |a| a.routes_by_content)),
    },
    Rule {
        id: "AGT-17",
        meaning: "It is made to persuade, or to seem a person, and people give it more than they meant \
                  to.",
        decide: |c| {
            let moves =
                c.assistant("persuades", |a| a.persuades).or(c.assistant("personified", |a| a.personified));
            c.acts().or(c.speaks()).and(moves)
        },
    },
    Rule {
        id: "AGT-18",
        meaning: "It looks at pages and presses buttons as a person does, and pages can be made for it.",
        decide: |c| c.acts().and(c.assistant("browses", |a| a.browses)),
    },
];

/// A task has no limit on its steps, on its calls or on its time.
fn unlimited(c: &Case<'_>) -> Judgement {
    const PATH: &str = "assistant.limits";
    match c.system().assistant.as_ref().and_then(|a| a.limits) {
        None => Judgement::missing(PATH),
        Some(StepLimits { steps, calls, seconds }) => {
            let set =
                [("steps", steps.is_some()), ("calls", calls.is_some()), ("seconds", seconds.is_some())];
            let named = |is_set: bool| {
                set.iter().filter(|(_, s)| *s == is_set).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
            };
            let without = named(false);
            let value =
                if without.is_empty() { "all set".to_owned() } else { format!("no limit on {without}") };
            let to = if without.is_empty() { "without a limit" } else { "with a limit on each" };
            c.says(!without.is_empty(), PATH, value, Some(to))
        }
    }
}
