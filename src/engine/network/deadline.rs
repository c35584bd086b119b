//! Time limits of a process that may stand still (SIGSTOP, a paused container, a frozen function). When it goes on, every
//! timer rings at once, and what was waited for lies in the socket, unread. So a timer that rings much later than it was to
//! is no verdict yet: what is there is read first.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// When something is to be there, in any number of steps.
pub(super) struct Deadline {
    at: Instant,
    grace: Duration,
}

/// It is not there in time.
#[derive(Debug)]
pub(super) struct Late;

impl Deadline {
    pub(super) fn after(limit: Duration) -> Deadline {
        let now = Instant::now();
        Deadline { at: now.checked_add(limit).unwrap_or_else(|| now + FAR), grace: limit.min(GRACE) }
    }

    /// The outcome of `work`.
    ///
    /// # Errors
    /// There is none in time, although this process could run.
    pub(super) async fn meet<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Late> {
        let mut work = pin!(work);
        loop {
            if let Ok(outcome) = timeout_at(self.at, &mut work).await {
                return Ok(outcome);
            }
            let now = Instant::now();
            if now - self.at < STOOD_STILL {
                return Err(Late);
            }
            self.at = now + self.grace;
        }
    }
}

/// As [`Deadline::meet`], of one step.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Late> {
    Deadline::after(limit).meet(work).await
}

/// A timer that rings so much too late could not ring, and nothing could be read either.
const STOOD_STILL: Duration = Duration::from_millis(250);
/// For reading what is there, or what is sent once more to a host that was asleep.
const GRACE: Duration = Duration::from_secs(1);
/// For ever, as far as clocks can count.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use tokio::task::yield_now;
    use tokio::time::{advance, sleep};

    const LIMIT: Duration = Duration::from_secs(30);

    /// The process stands still, and goes on with its timers.
    async fn stand_still(by: Duration) {
        advance(by).await;
        for _ in 0..10 {
            yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_awake_has_the_limit() {
        let start = Instant::now();
        assert!(within(LIMIT, std::future::pending::<()>()).await.is_err());
        assert_eq!(start.elapsed(), LIMIT);
        assert!(within(LIMIT, sleep(LIMIT - Duration::from_millis(1))).await.is_ok());
        let mut deadline = Deadline::after(LIMIT);
        assert!(deadline.meet(sleep(LIMIT / 2)).await.is_ok());
        assert!(deadline.meet(sleep(LIMIT / 2 + Duration::from_millis(1))).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_after_a_stand_is_in_time() {
        let (tell, answer) = oneshot::channel();
        let waiting = tokio::spawn(within(LIMIT, answer));
        yield_now().await;
        for _ in 0..3 {
            stand_still(2 * LIMIT).await;
            assert!(!waiting.is_finished());
        }
        tell.send(7).unwrap();
        assert_eq!(waiting.await.unwrap().unwrap(), Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_after_a_stand_is_late_soon() {
        for (limit, grace) in [(LIMIT, GRACE), (GRACE / 10, GRACE / 10)] {
            let waiting = tokio::spawn(within(limit, std::future::pending::<()>()));
            yield_now().await;
            stand_still(2 * LIMIT).await;
            let start = Instant::now();
            assert!(waiting.await.unwrap().is_err());
            assert_eq!(start.elapsed(), grace);
        }
    }
}
