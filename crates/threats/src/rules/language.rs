//! Threats to what a language model reads and says.

use proofhouse_system::{DatasetRole, InputForm, Sink};

use super::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "LLM-01",
        meaning: "Whoever writes to the model can write instructions, and the model does not tell them from \
                  the application's own.",
        decide: |c| c.speaks().and(c.anybody_writes_to_it()),
    },
    Rule {
        id: "LLM-02",
        meaning: "The model reads what others wrote, and what they wrote may be meant for it rather than \
                  for the user.",
        decide: |c| c.speaks().and(c.others_write()),
    },
    Rule {
        id: "LLM-03",
        meaning: "There are things the model is not to say or help with, and people outside can try \
                  until it does.",
        decide: |c| c.speaks().and(c.assistant("restricted", |a| a.restricted)).and(c.external_asks()),
    },
    Rule {
        id: "LLM-04",
        meaning: "Instructions, rules or tool descriptions stand in the context that users are not to \
                  see, and the model can be asked to repeat them.",
        decide: |c| c.speaks().and(c.assistant("hidden_instructions", |a| a.hidden_instructions)),
    },
    Rule {
        id: "LLM-05",
        meaning: "What the model can see is more than each of its users may see, and it is words that \
                  decide what it repeats.",
        decide: |c| c.speaks().and(c.sees_private()),
    },
    Rule {
        id: "LLM-06",
        meaning: "The model was trained on private data, some of which it may have learned by heart.",
        decide: |c| {
            let personal = c.any_dataset(&[DatasetRole::Train], "personal_data", |d| d.personal_data);
            let confidential = c.any_dataset(&[DatasetRole::Train], "confidential_distribution", |d| {
                d.confidential_distribution
            });
            c.speaks().and(personal.or(confidential))
        },
    },
    Rule {
        id: "LLM-07",
        meaning: "What the model writes is rendered, run or put into a query, so whoever steers its \
                  words steers that too.",
        decide: |c| {
            let sinks = [Sink::Markup, Sink::Link, Sink::Query, Sink::Command, Sink::Template];
            c.speaks().and(c.output_reaches(&sinks))
        },
    },
    Rule {
        id: "LLM-08",
        meaning: "People act on what the model states, and it states what is not so in the same voice.",
        decide: |c| c.speaks().and(c.assistant("states_facts", |a| a.states_facts)),
    },
    Rule {
        id: "LLM-09",
        meaning: "The model writes freely to people outside and can be brought, or happen, to write what \
                  harms them.",
        decide: |c| c.speaks().and(c.assistant("open_ended", |a| a.open_ended)).and(c.external_asks()),
    },
    Rule {
        id: "LLM-10",
        meaning: "Each request costs what it makes the model read and write, and people outside decide \
                  how much that is.",
        decide: |c| c.speaks().and(c.assistant("metered", |a| a.metered)).and(c.external_asks()),
    },
    Rule {
        id: "LLM-11",
        meaning: "A filter looks at the words, and the same words can be written in ways the model reads \
                  and the filter does not.",
        decide: |c| c.speaks().and(c.relies_on_a_filter()),
    },
    Rule {
        id: "LLM-12",
        meaning: "Others can tune the model or write what it is tuned on, and a little tuning undoes what \
                  it was taught not to do.",
        decide: |c| c.speaks().and(c.model("tuning_open", |m| m.tuning_open)),
    },
    Rule {
        id: "LLM-13",
        meaning: "People outside talk to it, or see and hear what it made, and may take it for a person \
                  or for real.",
        decide: |c| {
            c.speaks().and(c.assistant("conversational", |a| a.conversational)).and(c.external_asks())
        },
    },
    Rule {
        id: "LLM-14",
        meaning: "It names packages, links or contacts, some of which do not exist until somebody \
                  registers them.",
        decide: |c| c.speaks().and(c.assistant("names_entities", |a| a.names_entities)),
    },
    Rule {
        id: "LLM-15",
        meaning: "Pictures, sound or files reach the model, and can carry instructions that no text filter \
                  sees.",
        decide: |c| c.speaks().and(c.takes_in(&[InputForm::Image, InputForm::Audio, InputForm::File])),
    },
    Rule {
        id: "LLM-16",
        meaning: "A link or an image in an answer is fetched, and its address can carry out what the model \
                  saw.",
        decide: |c| c.speaks().and(c.output_reaches(&[Sink::Link, Sink::Markup])),
    },
    Rule {
        id: "LLM-17",
        meaning: "What it writes is read by a model later or elsewhere, so an instruction can make it \
                  write the instruction again.",
        decide: |c| c.speaks().and(c.output_reaches(&[Sink::Store, Sink::Model])),
    },
    Rule {
        id: "LLM-18",
        meaning: "What is written today stays in context or in a store, and can wait there for the word \
                  or the day that sets it off.",
        decide: |c| {
            let stays = c.keeps_what_was_said().or(c.output_reaches(&[Sink::Store]));
            c.speaks().and(stays.or(c.retrieves().and(c.others_write())))
        },
    },
];
