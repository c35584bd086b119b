//! When to try again: exponential back-off with jitter (KIP-580), 100 ms to 1 s, base 2, ±20 % unless users want it otherwise.

use std::time::{Duration, Instant};

use fastrand::Rng;

/// The waits between attempts, one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The first.
    pub first: Duration,
    /// None is longer, but for the jitter.
    pub longest: Duration,
    /// Each is so many times the one before.
    pub multiplier: f64,
    /// Each is longer or shorter by up to this part of it, from 0 to 1: clients that were failed by a broker at once do not come back to
    /// it at once.
    pub jitter: f64,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { first: FIRST, longest: LONGEST, multiplier: 2.0, jitter: JITTER }
    }
}

impl Pace {
    /// The wait after so many failures in a row, from 1 on. `random` lies between 0 and 1.
    fn wait(&self, failures: u32, random: f64) -> Duration {
        let Pace { first, longest, multiplier, jitter } = *self;
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        // Beyond what a Duration can hold, and whatever is no number, counts as the longest.
        let grown = Duration::try_from_secs_f64(first.as_secs_f64() * multiplier.powi(exponent));
        spread(grown.map_or(longest, |grown| grown.min(longest)), jitter, random)
    }
}

/// The wait between the attempts of one single-flight request.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    pace: Pace,
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// One that waits at this pace.
    pub fn new(pace: Pace) -> Backoff {
        Backoff { pace, failures: 0, until: None }
    }

    /// An attempt failed: wait before the next one.
    pub fn failed(&mut self, now: Instant, rng: &mut Rng) {
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + self.pace.wait(self.failures, rng.f64()));
    }

    /// The next attempt is not to be made before; the one that was made counts as none.
    pub fn wait_until(&mut self, until: Instant) {
        self.until = Some(until);
    }

    /// An attempt succeeded, or the circumstances changed: the next one may go at once.
    pub fn reset(&mut self) {
        *self = Backoff::new(self.pace);
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
    spread(base, JITTER, random)
}

fn spread(base: Duration, jitter: f64, random: f64) -> Duration {
    base.mul_f64((1.0 + jitter * (2.0 * random - 1.0)).max(0.0))
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);
const JITTER: f64 = 0.2;

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
    #[test]
    fn waits_go_by_the_pace() {
        let pace = |first, longest, multiplier| Pace {
            first: Duration::from_millis(first),
            longest: Duration::from_millis(longest),
            multiplier,
            jitter: 0.0,
        };
        let waits = |pace: Pace| [1, 2, 3, 4, u32::MAX].map(|failures| pace.wait(failures, 0.9).as_millis());
        assert_eq!(waits(pace(10, 65, 3.0)), [10, 30, 65, 65, 65]);
        assert_eq!(waits(pace(10, 65, 1.0)), [10; 5]);
        assert_eq!(waits(pace(10, 5, 2.0)), [5; 5]);
        assert_eq!(waits(pace(0, 5, f64::NAN))[1..], [5; 4]);
        let spread = Pace { jitter: 0.5, ..pace(100, 100, 2.0) };
        assert_eq!([0.0, 0.5, 1.0].map(|random| spread.wait(1, random).as_millis()), [50, 100, 150]);
    }
}
