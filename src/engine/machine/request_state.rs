//! One request at a time: when it is due, which one is out, and how long to wait after a failure.
//!
//! ```text
//!          want                          send                 land
//!  at rest ────► due (back-off, spacing) ────► in flight ─────────► at rest
//!                 ▲                               │
//!                 └──── failed, wanted meanwhile ─┘
//! ```

use std::time::Instant;

use fastrand::Rng;

use super::{Backoff, Target};

/// The state of a request that is repeated, and outstanding once at the most. See the module's documentation.
///
/// `About` is what the machine has to remember of a request until its answer comes.
#[derive(Debug, Clone)]
pub struct RequestState<About = ()> {
    due: Due,
    sent: Option<Sent<About>>,
    backoff: Backoff,
    /// A request that is wanted waits until then, although the last one succeeded.
    spaced_until: Option<Instant>,
    /// The next request is to go to another broker than the last one.
    other: bool,
}

/// A request that is outstanding.
#[derive(Debug, Clone, Copy)]
pub struct Sent<About = ()> {
    /// The machine's number for it.
    pub id: u64,
    /// When it was made.
    pub at: Instant,
    /// What its machine remembers of it.
    pub about: About,
}

/// When a request is to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Never,
    /// As soon as back-off and spacing allow it.
    WhenReady,
    /// At this instant, whatever back-off and spacing say.
    At(Instant),
    /// As soon as the machine is asked for a request: no timer runs any more.
    Now,
}

impl<About> Default for RequestState<About> {
    fn default() -> RequestState<About> {
        let backoff = Backoff::default();
        RequestState { due: Due::Never, sent: None, backoff, spaced_until: None, other: false }
    }
}

impl<About> RequestState<About> {
    // ---- when

    /// To be sent as soon as back-off and spacing allow it, and no other one is out.
    pub fn want(&mut self) {
        self.due = Due::WhenReady;
    }

    /// To be sent at this instant, whatever back-off and spacing say.
    pub fn want_at(&mut self, at: Instant) {
        self.due = Due::At(at);
    }

    /// To be sent now, whatever back-off and spacing say.
    pub fn want_now(&mut self) {
        self.due = Due::Now;
    }

    /// To be sent, to another broker than the last one: what that one said has turned out to be of no use.
    pub fn doubt(&mut self) {
        self.want();
        self.other = true;
    }

    /// To be sent now. The answer that is on its way is older than what is asked now: it is not waited for, and another broker
    /// is asked.
    pub fn at_once(&mut self) {
        self.want();
        self.other |= self.sent.take().is_some();
        self.backoff.reset();
        self.spaced_until = None;
    }

    /// Not to be sent (again). One that is out stays out.
    pub fn cancel(&mut self) {
        self.due = Due::Never;
    }

    /// A request that is only [wanted](RequestState::want) waits until then; None = no longer than for its back-off.
    pub fn space_until(&mut self, at: Option<Instant>) {
        self.spaced_until = at;
    }

    /// What is due by `now` is due now: it has no timer any more, even if the machine may not send it yet.
    pub fn settle(&mut self, now: Instant) {
        if self.is_over(now) {
            self.due = Due::Now;
        }
    }

    /// Is a request wanted, now or later?
    pub fn is_wanted(&self) -> bool {
        self.due != Due::Never
    }

    /// Is a request to go out by `now`, and no other one out?
    pub fn is_due(&self, now: Instant) -> bool {
        self.sent.is_none() && self.is_over(now)
    }

    /// Is a request to go out, as far as [`RequestState::settle`] has seen, and no other one out?
    pub fn is_settled(&self) -> bool {
        self.sent.is_none() && self.due == Due::Now
    }

    /// Are back-off and spacing over?
    pub fn is_ready(&self, now: Instant) -> bool {
        self.ready_at().is_none_or(|at| at <= now)
    }

    /// When a request becomes due; None while one is out, or due without a wait.
    pub fn due_at(&self) -> Option<Instant> {
        match self.due {
            _ if self.sent.is_some() => None,
            Due::Never | Due::Now => None,
            Due::WhenReady => self.ready_at(),
            Due::At(at) => Some(at),
        }
    }

    /// When back-off and spacing are over; None = they are not in the way.
    pub fn ready_at(&self) -> Option<Instant> {
        self.backoff.ready_at().max(self.spaced_until)
    }

    /// When the back-off is over; None since the last success.
    pub fn backoff_until(&self) -> Option<Instant> {
        self.backoff.ready_at()
    }

    /// See [`RequestState::space_until`].
    pub fn spaced_until(&self) -> Option<Instant> {
        self.spaced_until
    }

    fn is_over(&self, now: Instant) -> bool {
        match self.due {
            Due::Never => false,
            Due::WhenReady => self.is_ready(now),
            Due::At(at) => at <= now,
            Due::Now => true,
        }
    }

    // ---- which

    /// The request goes out under this id. Returns which broker is to be asked, where any of them will do.
    pub fn send(&mut self, now: Instant, id: u64, about: About) -> Target {
        self.due = Due::Never;
        self.sent = Some(Sent { id, at: now, about });
        if std::mem::take(&mut self.other) { Target::AnyOther } else { Target::Any }
    }

    /// Takes the request that is out for answered, if it has this id.
    pub fn land(&mut self, id: u64) -> Option<Sent<About>> {
        self.sent.take_if(|sent| sent.id == id)
    }

    /// Gives the request up that is out: its answer will not [land](RequestState::land).
    pub fn give_up(&mut self) -> Option<Sent<About>> {
        self.sent.take()
    }

    /// The request that is out.
    pub fn sent(&self) -> Option<&Sent<About>> {
        self.sent.as_ref()
    }

    /// What is remembered of the request that is out.
    pub fn about_mut(&mut self) -> Option<&mut About> {
        self.sent.as_mut().map(|sent| &mut sent.about)
    }

    /// Is a request out?
    pub fn is_in_flight(&self) -> bool {
        self.sent.is_some()
    }

    // ---- how it ended

    /// An attempt succeeded, or circumstances have changed: the next request need not wait for a back-off.
    pub fn succeeded(&mut self) {
        self.backoff.reset();
    }

    /// An attempt failed: the next one waits, longer each time. Returns whether it is the first failure in a row.
    pub fn failed(&mut self, now: Instant, rng: &mut Rng) -> bool {
        let first = self.attempts() == 0;
        self.backoff.failed(now, rng);
        first
    }

    /// How many attempts have failed since the last success.
    pub fn attempts(&self) -> u32 {
        self.backoff.failures()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn world() -> (Instant, Rng, RequestState) {
        (Instant::now(), Rng::with_seed(3), RequestState::default())
    }

    #[test]
    fn one_request_is_out_at_a_time() {
        let (now, _, mut request) = world();
        assert!(!request.is_due(now) && !request.is_wanted());
        request.want();
        assert_eq!((request.is_due(now), request.due_at()), (true, None));
        assert_eq!(request.send(now, 1, ()), Target::Any);
        request.want();
        assert!(request.is_wanted() && !request.is_due(now) && request.due_at().is_none());
        assert!(request.land(2).is_none(), "the answer to another request");
        assert_eq!(request.land(1).map(|sent| sent.at), Some(now));
        assert!(request.land(1).is_none(), "answered twice");
        assert!(request.is_due(now), "it was wanted meanwhile");
    }

    #[test]
    fn a_failure_makes_it_wait_and_a_success_does_not() {
        let (now, mut rng, mut request) = world();
        request.want();
        assert!(request.failed(now, &mut rng) && !request.failed(now, &mut rng));
        assert_eq!(request.attempts(), 2);
        let until = request.due_at().unwrap();
        assert!(!request.is_due(now) && request.is_due(until));
        request.space_until(Some(until + Duration::from_secs(1)));
        assert_eq!(request.due_at(), Some(until + Duration::from_secs(1)), "the later of the two");
        request.succeeded();
        request.space_until(None);
        assert_eq!((request.attempts(), request.is_due(now)), (0, true));
    }

    #[test]
    fn what_is_wanted_now_or_at_an_instant_waits_for_no_back_off() {
        let (now, mut rng, mut request) = world();
        request.failed(now, &mut rng);
        request.want_at(now + Duration::from_millis(1));
        assert_eq!(request.due_at(), Some(now + Duration::from_millis(1)));
        request.settle(now);
        assert!(!request.is_settled());
        request.settle(now + Duration::from_millis(1));
        assert_eq!((request.is_settled(), request.due_at()), (true, None));
        request.cancel();
        request.want_now();
        assert!(request.is_due(now) && !request.is_ready(now));
    }

    #[test]
    fn in_doubt_another_broker_is_asked_once() {
        let (now, mut rng, mut request) = world();
        request.doubt();
        assert_eq!(request.send(now, 1, ()), Target::AnyOther);
        request.failed(now, &mut rng);
        request.at_once();
        assert!(request.is_due(now), "at once means without a back-off, and beside what is out");
        assert!(request.land(1).is_none(), "the older answer is nobody's");
        assert_eq!(request.send(now, 2, ()), Target::AnyOther);
        assert!(request.land(2).is_some());
        request.at_once();
        assert_eq!(request.send(now, 3, ()), Target::Any, "nothing was out");
    }
}
