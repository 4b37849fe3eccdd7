//! How fast a target is asked, and how often: questions at one time, questions a minute, attempts and the pauses
//! between them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::{EndpointError, Limits};

/// Why one attempt came to nothing, and how long the target says to wait.
pub(crate) type Failure = (EndpointError, Option<Duration>);

/// The pace of one client.
pub(crate) struct Pace {
    pub limits: Limits,
    slots: Arc<Semaphore>,
    /// When the next request may begin.
    next: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn new(limits: Limits) -> Result<Self, EndpointError> {
        if limits.concurrent == 0 || limits.attempts == 0 || limits.per_minute == Some(0) {
            return Err(EndpointError::Setting("a limit of 0 would let no question through".to_owned()));
        }
        let slots = Arc::new(Semaphore::new(limits.concurrent));
        Ok(Self { slots, next: Mutex::new(Instant::now()), limits })
    }

    /// Waits for one of the places of questions at one time. It is taken until what is returned is dropped.
    pub(crate) async fn slot(&self) -> Result<OwnedSemaphorePermit, EndpointError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        // Nobody closes this semaphore.
        slot.map_err(|_| EndpointError::Setting("this client is closed".to_owned()))
    }

    /// Does `once` until it succeeds, as often as the limits allow where `again` says that asking again may help.
    /// Returns what came and the number of attempts. `target` is for the log.
    pub(crate) async fn until_done<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        target: &str,
        again: fn(&EndpointError) -> bool,
        mut once: impl FnMut() -> F,
    ) -> Result<(T, u32), EndpointError> {
        let mut wait = self.limits.backoff;
        let mut attempts = 0;
        loop {
            attempts += 1;
            self.turn().await;
            let (error, told) = match timeout(self.limits.timeout, once()).await {
                Ok(Ok(done)) => return Ok((done, attempts)),
                Ok(Err(failure)) => failure,
                Err(_) => (EndpointError::Timeout(self.limits.timeout), None),
            };
            let pause = told.unwrap_or(wait);
            if attempts >= self.limits.attempts || !again(&error) || pause > self.limits.longest_wait {
                return Err(error);
            }
            tracing::debug!(%target, %error, ?pause, "asking again");
            sleep(pause).await;
            wait = self.longer(wait);
        }
    }

    /// The pause after this one.
    pub(crate) fn longer(&self, pause: Duration) -> Duration {
        pause.saturating_mul(2).min(self.limits.longest_wait)
    }

    /// Waits for this request's turn under the limit of requests a minute.
    async fn turn(&self) {
        let Some(rate) = self.limits.per_minute else { return };
        let gap = Duration::from_secs(60) / rate;
        let mine = {
            let mut next = self.next.lock().await;
            let mine = (*next).max(Instant::now());
            *next = mine + gap;
            mine
        };
        sleep_until(mine).await;
    }
}
