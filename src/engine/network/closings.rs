//! Brokers that serve us, and close the connection at one request whenever they get it: one whose length or content they do not
//! take, one that an interceptor of theirs dies of. To ask again is in vain then. A broker that goes down or starts anew looks the
//! same for a while, and a proxy without a broker behind it does for longer: so what counts is a connection on which the broker
//! has answered before, a request that nobody has ever answered, and that it goes on for [`LASTING`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::machine::NetError;
use crate::engine::protocol::ApiKey;

/// What became of the requests of one network, by their kind.
#[derive(Default)]
pub(super) struct Closings {
    by_api: Mutex<HashMap<ApiKey, Api>>,
}

enum Api {
    /// Some broker has, so all is well with the request.
    Answered,
    /// No broker has yet. The first one in a row that closed at it, and how many there were.
    Closed { since: Instant, times: u32 },
}

impl Closings {
    /// A request was answered.
    pub(super) fn answered(&self, api: ApiKey) {
        self.lock().insert(api, Api::Answered);
    }

    /// A request that was sent at `sent`, over an open connection, was not. Returns what is to be told instead of `error`.
    pub(super) fn unanswered(&self, now: Instant, sent: Instant, api: ApiKey, error: NetError) -> NetError {
        let mut by_api = self.lock();
        let is_closed_at_it = matches!(error, NetError::Closed { .. }) && now < sent + AT_ONCE;
        match (by_api.get_mut(&api), error) {
            (Some(Api::Answered), error) => error,
            (_, error) if !is_closed_at_it => {
                by_api.remove(&api);
                error
            }
            (Some(Api::Closed { since, times }), NetError::Closed { broker }) => {
                *times = times.saturating_add(1);
                let lasted = now.saturating_duration_since(*since);
                match *times >= TIMES && lasted >= LASTING {
                    true => NetError::Repelled { broker, api: api.name(), times: *times, lasted },
                    false => NetError::Closed { broker },
                }
            }
            (_, error) => {
                by_api.insert(api, Api::Closed { since: now, times: 1 });
                error
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ApiKey, Api>> {
        self.by_api.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who closes at a request closes when it has come. Later the connection has another reason to end.
const AT_ONCE: Duration = Duration::from_secs(1);
/// In a row, and at the least.
const TIMES: u32 = 10;
/// From the first to the last of them, at the least.
const LASTING: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const API: ApiKey = ApiKey::FindCoordinator;

    fn closed() -> NetError {
        NetError::Closed { broker: "h:9092".to_owned() }
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn start() -> Instant {
        Instant::now()
    }

    /// At which of so many attempts, a second after each other, it is told that it is in vain.
    fn in_vain(closings: &Closings, start: Instant, attempts: u32) -> Option<u32> {
        (0..attempts).find(|n| {
            let now = start + SECOND * *n;
            matches!(closings.unanswered(now, now, API, closed()), NetError::Repelled { .. })
        })
    }

    #[test]
    fn what_is_closed_at_again_and_again_is_in_vain() {
        let (closings, start) = (Closings::default(), start());
        assert_eq!(in_vain(&closings, start, 60), Some(30));
        let now = start + SECOND * 31;
        let told = closings.unanswered(now, now, API, closed()).to_string();
        assert_eq!(
            told,
            "h:9092 closes the connection at each GroupCoordinator request, 32 times in 31 s: its log says why"
        );
    }

    #[test]
    fn a_few_times_in_a_long_time_are_not_enough() {
        let (closings, start) = (Closings::default(), start());
        let told = (0..9).map(|n| start + SECOND * 60 * n);
        assert!(told.map(|now| closings.unanswered(now, now, API, closed())).all(|error| error == closed()));
    }

    #[test]
    fn one_that_was_ever_answered_may_be_again() {
        let (closings, start) = (Closings::default(), start());
        closings.answered(API);
        assert_eq!(in_vain(&closings, start, 100), None);
        let now = start;
        let other = closings.unanswered(now, now, ApiKey::JoinGroup, closed());
        assert_eq!(other, closed());
    }

    #[test]
    fn whatever_else_becomes_of_it_begins_the_count_anew() {
        let late = |closings: &Closings, now: Instant| {
            closings.unanswered(now, now.checked_sub(SECOND).unwrap(), API, closed())
        };
        let unreachable =
            |closings: &Closings, now: Instant| closings.unanswered(now, now, API, NetError::NoBroker);
        for other in [late, unreachable] {
            let (closings, start) = (Closings::default(), start());
            assert_eq!(in_vain(&closings, start, 29), None);
            other(&closings, start + SECOND * 29);
            assert_eq!(in_vain(&closings, start + SECOND * 30, 60), Some(30));
        }
    }
}
