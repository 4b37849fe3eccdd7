//! How a long stage tells whoever watches what it is doing. The lifecycle has no terminal.

/// Receives what is going on. Every method may be called from any thread.
pub trait Progress: Send + Sync {
    /// A step of the stage begins, such as `evasion: 200 inputs, 1000 queries each`.
    fn step(&self, what: &str);
    /// How much of the current step is done.
    fn advance(&self, done: u64, total: u64);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &str) {}
    fn advance(&self, _: u64, _: u64) {}
}
