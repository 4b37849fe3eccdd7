//! The lease under which an instance serves.
//!
//! Whoever started the instance renews its lease with a line on its standard input. When no renewal comes in
//! time, or the input ends because nobody holds its other end any more, the instance has to stop by itself.
//! So it is enough to wait for one lease to know that an instance out of reach serves no longer.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, timeout_at};

/// The line that renews a lease.
pub const RENEWAL: &[u8] = b"renew";

/// Why a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEnd {
    /// No renewal came in time.
    Lapsed,
    /// Nobody is left who could renew it.
    Closed,
}

/// Returns once the lease has ended. It runs from the call, and anew from each renewal; other lines are
/// passed over.
pub async fn lease_end(mut renewals: impl AsyncRead + Unpin, lease: Duration) -> LeaseEnd {
    let mut deadline = Instant::now() + lease;
    let mut chunk = [0u8; 256];
    // The line so far; `None` once it is longer than any renewal.
    let mut line: Option<Vec<u8>> = Some(Vec::new());
    loop {
        let read = match timeout_at(deadline, renewals.read(&mut chunk)).await {
            Err(_) => return LeaseEnd::Lapsed,
            Ok(Ok(0) | Err(_)) => return LeaseEnd::Closed,
            Ok(Ok(read)) => read,
        };
        for byte in chunk.iter().take(read) {
            if *byte == b'\n' {
                if line.as_deref() == Some(RENEWAL) {
                    deadline = Instant::now() + lease;
                }
                line = Some(Vec::new());
            } else if let Some(text) = line.as_mut() {
                text.push(*byte);
                if text.len() > RENEWAL.len() {
                    line = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    const LEASE: Duration = Duration::from_millis(300);

    #[tokio::test]
    async fn a_lease_lives_as_long_as_it_is_renewed() {
        let (mut agent, instance) = tokio::io::duplex(64);
        let started = Instant::now();
        let end = tokio::spawn(lease_end(instance, LEASE));
        for _ in 0..4 {
            // In two parts: a pipe keeps no borders.
            agent.write_all(b"ren").await.unwrap();
            tokio::time::sleep(LEASE / 2).await;
            agent.write_all(b"ew\n").await.unwrap();
        }
        assert!(!end.is_finished());
        assert_eq!(end.await.unwrap(), LeaseEnd::Lapsed);
        assert!(started.elapsed() >= LEASE * 3);
    }

    #[tokio::test]
    async fn what_is_no_renewal_renews_nothing() {
        let (mut agent, instance) = tokio::io::duplex(4096);
        agent.write_all(b"renewal\nRENEW\n\nxrenew\n").await.unwrap();
        agent.write_all(&[b'x'; 3000]).await.unwrap();
        let started = Instant::now();
        assert_eq!(lease_end(instance, LEASE).await, LeaseEnd::Lapsed);
        assert!(started.elapsed() < LEASE * 2);
        drop(agent);
    }

    #[tokio::test]
    async fn an_agent_that_is_gone_ends_it_at_once() {
        let (agent, instance) = tokio::io::duplex(64);
        drop(agent);
        assert_eq!(lease_end(instance, Duration::from_secs(60)).await, LeaseEnd::Closed);
    }
}
