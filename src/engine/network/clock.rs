//! The time of the machines. It goes on while the process stands still and while the computer sleeps, as the time of the
//! brokers does: a session that is over must not look alive.
//!
//! `Instant` stands still with the computer on Linux and on Apple's systems; on Windows it does not.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Now. Not earlier than any answer before.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
pub fn now() -> Instant {
    use std::sync::OnceLock;
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    // Apple's CLOCK_MONOTONIC goes on during sleep.
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Monotonic;

    static START: OnceLock<(Instant, Duration)> = OnceLock::new();
    let awake_or_not = || Duration::try_from(clock_gettime(CLOCK)).unwrap_or_default();
    let (start, then) = *START.get_or_init(|| (Instant::now(), awake_or_not()));
    start + awake_or_not().saturating_sub(then)
}

/// Now. Not earlier than any answer before.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub fn now() -> Instant {
    Instant::now()
}

/// What the clock on the wall says, ms since the Unix epoch. It can be set.
pub fn unix_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
