//! When to try again: exponential back-off with jitter (KIP-580), 100 ms to 1 s, base 2, ±20 %.

use std::time::{Duration, Instant};

use fastrand::Rng;

/// The wait between the attempts of one single-flight request.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// An attempt failed: wait before the next one.
    pub fn failed(&mut self, now: Instant, rng: &mut Rng) {
        let exponent = self.failures.min(10);
        let base = FIRST.saturating_mul(1 << exponent).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + jittered(base, rng.f64()));
    }

    /// An attempt succeeded, or the circumstances changed: the next one may go at once.
    pub fn reset(&mut self) {
        *self = Backoff::default();
    }

    /// How many attempts have failed since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// May an attempt be made now?
    pub fn is_ready(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    /// When the next attempt may be made; None = at once.
    pub fn ready_at(&self) -> Option<Instant> {
        self.until
    }
}

/// This long, ±20 %, so that clients that were failed by a broker at once do not come back to it at once. `random` lies
/// between 0 and 1.
pub fn jittered(base: Duration, random: f64) -> Duration {
    base.mul_f64(0.8 + 0.4 * random)
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn waits_grow_to_a_second_and_reset() {
        let mut rng = Rng::with_seed(7);
        let mut backoff = Backoff::default();
        let now = Instant::now();
        assert!(backoff.is_ready(now));
        for failures in 0..12 {
            backoff.failed(now, &mut rng);
            let wait = backoff.ready_at().unwrap() - now;
            let base = Duration::from_millis(100 << failures.min(4)).min(LONGEST);
            assert!(wait >= base.mul_f64(0.79) && wait <= base.mul_f64(1.21), "{failures}: {wait:?}");
            assert!(!backoff.is_ready(now));
        }
        backoff.reset();
        assert!(backoff.is_ready(now));
    }
}
