//! A machine's timers as a table that `poll_timeout` reads: a timer that is set cannot be left out of it by mistake.

use std::time::Instant;

/// The timers of one machine, by name. Made by [`timers!`].
pub trait TimerKey: Copy + 'static {
    /// One place for each of them.
    type Table: Default + AsRef<[Option<Instant>]> + AsMut<[Option<Instant>]>;

    /// All of them; an earlier one goes first when several have expired.
    const ALL: &'static [Self];

    /// Its place in the table.
    fn index(self) -> usize;
}

/// Declares an enum of a machine's timers, each of which has a place in [`Timers`].
macro_rules! timers {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $timer:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name { $($(#[$doc])* $timer,)+ }

        impl $crate::engine::machine::TimerKey for $name {
            type Table = [Option<std::time::Instant>; [$($name::$timer,)+].len()];
            const ALL: &'static [$name] = &[$($name::$timer,)+];
            fn index(self) -> usize { self as usize }
        }
    };
}

pub(crate) use timers;

/// When each of a machine's timers rings. Setting, clearing and asking cost no allocation.
#[derive(Debug, Clone)]
pub struct Timers<K: TimerKey> {
    table: K::Table,
}

impl<K: TimerKey> Default for Timers<K> {
    fn default() -> Timers<K> {
        Timers { table: K::Table::default() }
    }
}

impl<K: TimerKey> Timers<K> {
    /// Rings at `at`, whatever it was set to before.
    pub fn set(&mut self, timer: K, at: Instant) {
        self.put(timer, Some(at));
    }

    /// Rings at `at` or when it was to ring before, whichever is earlier. A timer that is not set stays so.
    pub fn hasten(&mut self, timer: K, at: Instant) {
        self.put(timer, self.get(timer).map(|set| set.min(at)));
    }

    /// Does not ring.
    pub fn clear(&mut self, timer: K) {
        self.put(timer, None);
    }

    /// When it rings, if it is set.
    pub fn get(&self, timer: K) -> Option<Instant> {
        self.table.as_ref().get(timer.index()).copied().flatten()
    }

    /// One that has rung by `now`; it is cleared. Call it until None.
    pub fn expired(&mut self, now: Instant) -> Option<K> {
        self.expired_among(now, |_| true)
    }

    /// As [`Timers::expired`]; those that do not count at present are left as they are.
    pub fn expired_among(&mut self, now: Instant, counts: impl Fn(K) -> bool) -> Option<K> {
        let rung = |timer: K| self.get(timer).is_some_and(|at| at <= now) && counts(timer);
        let timer = K::ALL.iter().copied().find(|timer| rung(*timer))?;
        self.clear(timer);
        Some(timer)
    }

    /// When the next one rings.
    pub fn next(&self) -> Option<Instant> {
        self.next_among(|_| true)
    }

    /// As [`Timers::next`], of those that count at present.
    pub fn next_among(&self, counts: impl Fn(K) -> bool) -> Option<Instant> {
        let counting = K::ALL.iter().copied().filter(|timer| counts(*timer));
        counting.filter_map(|timer| self.get(timer)).min()
    }

    fn put(&mut self, timer: K, at: Option<Instant>) {
        if let Some(place) = self.table.as_mut().get_mut(timer.index()) {
            *place = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    timers! {
        enum Timer {
            Session,
            Beat,
            Leave,
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn each_timer_rings_once_and_the_next_one_is_known() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut timers = Timers::<Timer>::default();
        assert_eq!((timers.next(), timers.expired(at(9))), (None, None));
        timers.set(Timer::Leave, at(3));
        timers.set(Timer::Session, at(4));
        timers.set(Timer::Beat, at(5));
        timers.set(Timer::Beat, at(2));
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(timers.next_among(|timer| timer != Timer::Beat), Some(at(3)));
        assert_eq!(timers.expired(at(1)), None);
        assert_eq!(timers.expired_among(at(2), |timer| timer != Timer::Beat), None);
        assert_eq!(timers.get(Timer::Beat), Some(at(2)), "one that does not count stays set");
        assert_eq!((timers.expired(at(2)), timers.expired(at(2))), (Some(Timer::Beat), None));
        assert_eq!(
            (timers.expired(at(4)), timers.expired(at(4))),
            (Some(Timer::Session), Some(Timer::Leave))
        );
        timers.hasten(Timer::Leave, at(1));
        assert_eq!(timers.next(), None, "nothing is set that was not");
        timers.set(Timer::Leave, at(7));
        timers.hasten(Timer::Leave, at(8));
        timers.hasten(Timer::Leave, at(6));
        assert_eq!(timers.next(), Some(at(6)));
        timers.clear(Timer::Leave);
        assert_eq!(timers.next(), None);
    }
}
