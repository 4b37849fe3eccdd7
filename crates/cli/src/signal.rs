//! The wish that this process end.

use tokio::signal::unix::{SignalKind, signal};

/// Returns when a person presses Ctrl-C, or whoever runs the process (a container, an init system) asks it
/// to terminate.
pub async fn end() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}
