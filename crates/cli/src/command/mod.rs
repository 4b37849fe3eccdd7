//! One file per verb.

pub mod assess;
pub mod attack;
pub mod bom;
pub mod dataset;
pub mod deploy;
pub mod gate;
pub mod gateway;
pub mod guard;
pub mod harden;
pub mod keygen;
pub mod ledger;
pub mod plan;
pub mod policy;
pub mod recall;
pub mod redteam;
pub mod report;
pub mod risk;
pub mod run;
pub mod scan;
pub mod serve;
pub mod sign;
pub mod status;
pub mod system;
pub mod verify;
