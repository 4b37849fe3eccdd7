//! Which files a process may open (Landlock).

use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};

use crate::Held;

/// What may be done beneath a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Read.
    Read,
    /// Read, and run programs.
    Run,
    /// Read and write what is there, as a device is.
    Device,
    /// Everything.
    Write,
}

impl Use {
    fn access(self, directory: bool) -> BitFlags<AccessFs> {
        let read = AccessFs::from_read(ABI::V3) & !AccessFs::Execute;
        let all = match self {
            Self::Read => read,
            Self::Run => read | AccessFs::Execute,
            Self::Device => AccessFs::ReadFile | AccessFs::WriteFile,
            Self::Write => AccessFs::from_all(ABI::V3) & !(AccessFs::MakeChar | AccessFs::MakeBlock),
        };
        if directory { all } else { all & AccessFs::from_file(ABI::V3) }
    }
}

/// Keeps this thread, and those that come after, to these paths; what does not exist is passed over.
pub fn only(paths: &[(PathBuf, Use)]) -> Held {
    let restrict = || -> Result<RulesetStatus, Box<dyn std::error::Error>> {
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V3))?
            .create()?;
        for (path, to) in paths {
            let Ok(opened) = PathFd::new(path) else { continue };
            ruleset = ruleset.add_rule(PathBeneath::new(opened, to.access(path.is_dir())))?;
        }
        Ok(ruleset.restrict_self()?.ruleset)
    };
    match restrict() {
        Ok(RulesetStatus::FullyEnforced) => Held::by("Landlock"),
        Ok(RulesetStatus::PartiallyEnforced) => {
            Held::partly("Landlock", "before Linux 6.2 it does not keep files from being cut short")
        }
        other => Held::no(whole(other).err().unwrap_or_default()),
    }
}

/// Forbids TCP connections to anywhere, and listening on any port but one (Linux 6.7).
pub fn no_connections(port: Option<u16>) -> Result<(), String> {
    let restrict = || -> Result<RulesetStatus, Box<dyn std::error::Error>> {
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?
            .create()?;
        if let Some(port) = port {
            ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::BindTcp))?;
        }
        Ok(ruleset.restrict_self()?.ruleset)
    };
    whole(restrict())
}

/// Forbids signals to processes outside, and sockets without a path that others listen on (Linux 6.12).
pub fn no_signals() -> Result<(), String> {
    let restrict = || -> Result<RulesetStatus, Box<dyn std::error::Error>> {
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .scope(Scope::Signal | Scope::AbstractUnixSocket)?
            .create()?;
        Ok(ruleset.restrict_self()?.ruleset)
    };
    whole(restrict())
}

fn whole(status: Result<RulesetStatus, Box<dyn std::error::Error>>) -> Result<(), String> {
    match status {
        Ok(RulesetStatus::FullyEnforced) => Ok(()),
        Ok(_) => Err("this kernel has no Landlock, or one too old for it".to_owned()),
        Err(error) => Err(format!("Landlock: {error}")),
    }
}
