//! What `run` tells, stage by stage; nothing where a machine reads.

use std::cell::Cell;
use std::path::Path;
use std::time::Instant;

use proofhouse_lifecycle::Project;

use crate::terminal;

/// Tells the stages of a life to a person.
pub struct Story {
    told: bool,
    number: Cell<u32>,
    begun: Instant,
}

impl Story {
    /// A story that is told, or kept quiet.
    pub fn new(told: bool) -> Self {
        Self { told, number: Cell::new(0), begun: Instant::now() }
    }

    /// Says what lives, and where its traces go.
    pub fn opening(&self, project: &Project, environment: &str, home: &Path) {
        self.tell(|| {
            terminal::line(terminal::strong(&project.system.system.name));
            terminal::line(project.system.system.purpose.trim());
            terminal::line(terminal::quiet(&format!(
                "{environment}; keys, ledger and releases in {}",
                home.display()
            )));
        });
    }

    /// A stage begins.
    pub fn stage(&self, name: &str, what: &str) {
        let number = self.number.get() + 1;
        self.number.set(number);
        if self.told {
            let elapsed = self.begun.elapsed().as_secs_f64();
            terminal::line("");
            terminal::line(format!(
                "{} {}",
                terminal::strong(&format!("{number} {name}")),
                terminal::quiet(&format!("· {what} · {elapsed:.1} s"))
            ));
        }
    }

    /// Tells something, if anybody listens.
    pub fn tell(&self, what: impl FnOnce()) {
        if self.told {
            what();
        }
    }
}
