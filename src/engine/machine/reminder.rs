//! When something that goes on is said again.
//!
//! ```text
//!            goes_on             10 s later        every 30 s
//!  (quiet) ──────────► first line ────────► second line ────────► …      over() ──► (quiet)
//! ```
//! A cause that comes and goes is no more often said than one that stays: a line follows the one before it after ten
//! seconds at the earliest, whatever [`Reminder::over`] was told in between.

use std::time::{Duration, Instant};

/// The lines about one cause. See the module's documentation.
#[derive(Debug, Clone, Default)]
pub struct Reminder {
    /// How long the cause has to last before it is worth a line.
    patience: Duration,
    going: Option<Going>,
    /// When the last line was said.
    said: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Going {
    since: Instant,
    /// When the next line is due.
    next: Instant,
    /// The lines since then.
    lines: u32,
}

impl Reminder {
    /// The first line is said only when the cause has lasted for so long.
    pub fn after(patience: Duration) -> Reminder {
        Reminder { patience, ..Reminder::default() }
    }

    /// The cause is there (still). Returns for how long, when that is to be said now.
    pub fn goes_on(&mut self, now: Instant) -> Option<Duration> {
        let going = self.going.get_or_insert_with(|| {
            let quiet_until = self.said.map_or(now, |said| said + SECOND);
            Going { since: now, next: (now + self.patience).max(quiet_until), lines: 0 }
        });
        if now < going.next {
            return None;
        }
        going.next = now + if going.lines == 0 { SECOND } else { LATER };
        going.lines += 1;
        self.said = Some(now);
        Some(now.saturating_duration_since(going.since))
    }

    /// The cause is there or is not. Returns what [`Reminder::goes_on`] returns.
    pub fn sees(&mut self, now: Instant, is_there: bool) -> Option<Duration> {
        if is_there {
            return self.goes_on(now);
        }
        self.over();
        None
    }

    /// The cause is gone.
    pub fn over(&mut self) {
        self.going = None;
    }

    /// When [`Reminder::goes_on`] is to be called next at the latest; None while there is no cause.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.going.map(|going| going.next)
    }
}

/// A duration as a line says it: "12 s".
pub fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

/// From the first line to the second, and the least between any two.
const SECOND: Duration = Duration::from_secs(10);
/// Between all later ones.
const LATER: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn start() -> Instant {
        Instant::now()
    }

    /// At which seconds a line is said, when the cause is seen every second.
    fn lines(reminder: &mut Reminder, start: Instant, seconds: std::ops::Range<u64>) -> Vec<u64> {
        let at = |second: &u64| reminder.goes_on(start + Duration::from_secs(*second)).is_some();
        seconds.filter(at).collect()
    }

    #[test]
    fn first_at_once_then_after_ten_seconds_then_every_thirty() {
        let (start, mut reminder) = (start(), Reminder::default());
        assert_eq!(lines(&mut reminder, start, 0..120), [0, 10, 40, 70, 100]);
        assert_eq!(
            reminder.goes_on(start + Duration::from_secs(131)),
            Some(Duration::from_secs(131)),
            "with how long it has lasted"
        );
    }

    #[test]
    fn with_patience_what_is_soon_over_is_not_said() {
        let (start, mut reminder) = (start(), Reminder::after(Duration::from_secs(5)));
        assert_eq!(lines(&mut reminder, start, 0..5), [0; 0]);
        assert_eq!(reminder.poll_timeout(), Some(start + Duration::from_secs(5)));
        reminder.over();
        assert_eq!(reminder.poll_timeout(), None);
        assert_eq!(lines(&mut reminder, start, 6..60), [11, 21, 51]);
    }

    #[test]
    fn a_cause_that_comes_and_goes_is_no_more_often_said() {
        let (start, mut reminder) = (start(), Reminder::default());
        let mut said = Vec::new();
        for second in 0..60 {
            said.extend(lines(&mut reminder, start, second..second + 1));
            reminder.over();
        }
        assert_eq!(said, [0, 10, 20, 30, 40, 50]);
    }

    #[test]
    fn seen_rarely_it_is_said_each_time() {
        let (start, mut reminder) = (start(), Reminder::default());
        let said = (0..5).filter(|n| reminder.goes_on(start + Duration::from_secs(n * 60)).is_some());
        assert_eq!(said.count(), 5);
    }
}
