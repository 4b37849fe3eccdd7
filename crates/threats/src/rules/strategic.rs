//! Threats to the organisation: people, law, business, society.

use proofhouse_system::{ComponentKind, Holder, Region, Task, UserGroup};

use super::{
    Case, Rule,
    case::{word, words},
};
use crate::judgement::{Judgement, Tri};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "STR-01",
        meaning: "A duty is vacant, and on the day it matters nobody will be there to do it.",
        decide: |c| {
            let about = &c.system().system;
            vacant(c, "system.owner", about.owner.as_ref()).or(vacant(
                c,
                "system.deputy",
                about.deputy.as_ref(),
            ))
        },
    },
    Rule {
        id: "STR-02",
        meaning: "The system hangs on one supplier, and stops with them.",
        decide: |c| single_supplier(c, &ALL_KINDS),
    },
    Rule {
        id: "STR-03",
        meaning: "No executive answers for what the system decides.",
        decide: |c| {
            vacant(c, "system.accountable_executive", c.system().system.accountable_executive.as_ref())
        },
    },
    Rule {
        id: "STR-04",
        meaning: "The system is used in the European Union in a way that the AI Act calls high-risk.",
        decide: |c| {
            let listed = c
                .context("eu_annex_i_product", |x| x.eu_annex_i_product)
                .or(c.context("eu_annex_iii_use", |x| x.eu_annex_iii_use));
            in_region(c, Region::Eu).and(listed)
        },
    },
    Rule {
        id: "STR-05",
        meaning: "A machine alone decides against a person with legal or similar effect.",
        decide: |c| {
            use proofhouse_system::DecisionAbout::NaturalPerson;
            c.any_decision(|d| {
                let at = |key: &str| format!("decisions[{}].{key}", d.id);
                let person = match d.about {
                    None => Judgement::missing(at("about")),
                    Some(about) => c.says(about == NaturalPerson, &at("about"), word(&about), Some("thing")),
                };
                person
                    .and(c.flag(&at("automatic"), d.automatic))
                    .and(c.flag(&at("adverse"), d.adverse))
                    .and(c.flag(&at("legal_effect"), d.legal_effect))
            })
        },
    },
    Rule {
        id: "STR-06",
        meaning: "Data about people are used in a way for which an impact assessment is due before \
                  anything else.",
        decide: |c| {
            let scale = c
                .context("large_scale_or_profiling", |x| x.large_scale_or_profiling)
                .or(c.context("public_body", |x| x.public_body));
            c.context("personal_data", |x| x.personal_data).and(scale)
        },
    },
    Rule {
        id: "STR-07",
        meaning: "A banking group supervised in the United States uses a model in its decisions and \
                  owes its supervisor model-risk management.",
        decide: |c| {
            let predicts = match &c.system().model {
                Some(m) => c.says(m.task != Task::Generation, "model.task", word(&m.task), None),
                None => c.says(false, "model", "none", None),
            };
            c.context("us_bank", |x| x.us_bank).and(predicts)
        },
    },
    Rule {
        id: "STR-08",
        meaning: "Health data or a medical purpose bring their own law.",
        decide: |c| c.context("health", |x| x.health),
    },
    Rule {
        id: "STR-09",
        meaning: "Decisions about work bring their own law.",
        decide: |c| c.context("employment", |x| x.employment),
    },
    Rule {
        id: "STR-10",
        meaning: "Something that receives data lies in another region than the system is run in.",
        decide: |c| elsewhere(c),
    },
    Rule {
        id: "STR-11",
        meaning: "The model sits in a core transaction: when it errs, money or care goes wrong at \
                  once.",
        decide: |c| {
            c.any_decision(|d| c.flag(&format!("decisions[{}].core_transaction", d.id), d.core_transaction))
        },
    },
    Rule {
        id: "STR-12",
        meaning: "Those outside see the output or feel its effect, and will speak of its failures.",
        decide: |c| users(c, &[UserGroup::Public, UserGroup::Customers]).or(c.about_people()),
    },
    Rule {
        id: "STR-13",
        meaning: "The output can bind the organisation or harm a customer, and somebody will have to \
                  pay.",
        decide: |c| {
            c.any_decision(|d| {
                c.flag(&format!("decisions[{}].core_transaction", d.id), d.core_transaction)
                    .or(c.flag(&format!("decisions[{}].adverse", d.id), d.adverse))
            })
        },
    },
    Rule {
        id: "STR-14",
        meaning: "A model or data feed comes from one third party without a replacement ready.",
        decide: |c| {
            let feeds = [ComponentKind::DataSource, ComponentKind::Inference, ComponentKind::Model];
            single_supplier(c, &feeds)
        },
    },
    Rule {
        id: "STR-15",
        meaning: "A law sets a clock for reporting incidents, which starts whether or not anybody has \
                  noticed.",
        decide: |c| c.context("incident_reporting_clock", |x| x.incident_reporting_clock),
    },
    Rule {
        id: "STR-16",
        meaning: "People are decided about and have to be able to contest it.",
        decide: |c| c.about_people(),
    },
    Rule {
        id: "STR-17",
        meaning: "Those it affects may be children or people who need special care.",
        decide: |c| {
            c.context("minors", |x| x.minors).or(c.context("vulnerable_people", |x| x.vulnerable_people))
        },
    },
    Rule {
        id: "STR-18",
        meaning: "What the model writes may belong to somebody else.",
        decide: |c| generates(c),
    },
    Rule {
        id: "STR-19",
        meaning: "Training or serving takes enough energy to be counted.",
        decide: |c| c.model("energy_intensive", |m| m.energy_intensive),
    },
    Rule {
        id: "STR-20",
        meaning: "What the system can do is general and open to anybody, also to those who mean harm.",
        decide: |c| c.context("general_capability_public", |x| x.general_capability_public),
    },
    Rule {
        id: "STR-21",
        meaning: "Once a model answers, it will be asked more than it was made for.",
        decide: |c| c.is_deployed(),
    },
    Rule {
        id: "STR-22",
        meaning: "The business process stops when the model is taken away, which makes taking it away \
                  hard.",
        decide: |c| c.context("process_stops_without_model", |x| x.process_stops_without_model),
    },
    Rule {
        id: "STR-23",
        meaning: "What runs has to be what is listed, or recalls and audits miss it.",
        decide: |c| c.is_deployed(),
    },
    Rule {
        id: "STR-24",
        meaning: "The system's reach or function touches fundamental rights.",
        decide: |c| {
            c.context("public_body", |x| x.public_body)
                .or(c.context("large_scale_or_profiling", |x| x.large_scale_or_profiling))
                .or(users(c, &[UserGroup::Public]))
        },
    },
    Rule {
        id: "STR-25",
        meaning: "People have to work with it, some of them under pressure or with a disability.",
        decide: |c| users(c, &[UserGroup::Public, UserGroup::Customers, UserGroup::Staff]),
    },
    Rule {
        id: "STR-26",
        meaning: "Those whose data are used may ask what is held, have it corrected or erased, models \
                  included.",
        decide: |c| c.context("personal_data", |x| x.personal_data),
    },
    Rule {
        id: "STR-27",
        meaning: "The decision grants or refuses something people cannot do without.",
        decide: |c| c.context("essential_service", |x| x.essential_service),
    },
    Rule {
        id: "STR-28",
        meaning: "Those who know and those who are affected have to have been heard.",
        decide: |c| c.says(true, "system.purpose", c.system().system.purpose.as_str(), None),
    },
    Rule {
        id: "STR-29",
        meaning: "Everything is in one place, and so is what can happen to it.",
        decide: |c| c.context("single_site", |x| x.single_site),
    },
];

/// Every kind that another organisation could supply.
const ALL_KINDS: [ComponentKind; 12] = [
    ComponentKind::DataSource,
    ComponentKind::FeatureStore,
    ComponentKind::LabelSource,
    ComponentKind::Pipeline,
    ComponentKind::Model,
    ComponentKind::Registry,
    ComponentKind::Inference,
    ComponentKind::Gateway,
    ComponentKind::LlmApp,
    ComponentKind::ToolServer,
    ComponentKind::Agent,
    ComponentKind::Guard,
];

/// A duty that nobody holds.
fn vacant(c: &Case<'_>, path: &str, holder: Option<&Holder>) -> Judgement {
    match holder {
        None => Judgement::missing(path),
        Some(Holder::Nobody) => c.says(true, path, "nobody", Some("a role or team")),
        Some(Holder::Named(name)) => c.says(false, path, name.as_str(), Some("nobody")),
    }
}

/// A part from a third party without a replacement.
fn single_supplier(c: &Case<'_>, kinds: &[ComponentKind]) -> Judgement {
    c.any_component(kinds, |x| {
        let replaceable = c.flag(&format!("components[{}].alternative", x.id), x.alternative);
        c.flag(&format!("components[{}].third_party", x.id), x.third_party).and(replaceable.negate())
    })
}

fn in_region(c: &Case<'_>, region: Region) -> Judgement {
    match &c.system().context.regions {
        None => Judgement::missing("context.regions"),
        Some(regions) => {
            let to = format!("without {}", word(&region));
            let holds = regions.contains(&region);
            c.says(holds, "context.regions", words(regions), Some(if holds { &to } else { "eu" }))
        }
    }
}

fn users(c: &Case<'_>, groups: &[UserGroup]) -> Judgement {
    match &c.system().context.users {
        None => Judgement::missing("context.users"),
        Some(users) => {
            let holds = users.iter().any(|u| groups.contains(u));
            let to = if holds { "none of these" } else { "one of these" };
            c.says(holds, "context.users", words(users), Some(to))
        }
    }
}

fn generates(c: &Case<'_>) -> Judgement {
    match &c.system().model {
        Some(m) => c.says(m.task == Task::Generation, "model.task", word(&m.task), None),
        None => c.has(&[ComponentKind::LlmApp]),
    }
}

/// A component that receives something and lies in another region than the deployment. The part of a
/// region before its first hyphen is the jurisdiction: `eu-central` and `eu-west` share one.
fn elsewhere(c: &Case<'_>) -> Judgement {
    let Some(deployment) = &c.system().deployment else {
        return Judgement::missing("deployment");
    };
    let Some(home) = &deployment.region else { return Judgement::missing("deployment.region") };
    let jurisdiction = |region: &str| region.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let receivers =
        c.system().components.iter().filter(|x| !c.graph.flows_into(x.id.as_str()).is_empty()).map(|x| {
            let path = format!("components[{}].region", x.id);
            match &x.region {
                Some(region) => {
                    let other = jurisdiction(region) != jurisdiction(home);
                    let to = if other { home.as_str() } else { "another" };
                    c.says(other, &path, region.as_str(), Some(to)).along(vec![x.id.to_string()])
                }
                None => {
                    // The organisation's own parts are where it deploys them; another's may be anywhere.
                    let theirs = c.flag(&format!("components[{}].third_party", x.id), x.third_party);
                    if theirs.holds == Tri::False { theirs } else { Judgement::missing(path) }
                }
            }
        });
    Judgement::any(receivers, c.fact("flows", "none"))
}
