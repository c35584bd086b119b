//! What the leader of a group owes to the others: to assign by what is true, and to assign again when that has changed.
//!
//! ```text
//!  leads ──► survey: metadata of all members' topics ──► assigned ──► snapshot
//!                                                                                │  every later metadata
//!                            rejoin, which for a leader makes a new generation ◄─┘  tells of others
//! ```
//!
//! The snapshot is what the assignor has seen, and what it has given nevertheless. Whoever follows leaves all that to the
//! leader: a follower that joins again with what it had is sent back into the generation that there is.
//!
//! Until the leader knows of a new partition, nobody reads it: so a leader reads the metadata more often than others, where joining
//! again stops nobody, in a cooperative group.
//!
//! Brokers may disagree for a while. What has been a reason to rejoin and still is one, or again, is one after a pause only,
//! which grows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::cluster::Metadata;
use crate::engine::group::assignors::{Member, RebalanceProtocol, withhold};
use crate::engine::protocol::TopicId;
use crate::engine::protocol::consumer_protocol::{Assignment, Subscription};
use crate::engine::protocol::join_group::JoinGroupMember;
use crate::engine::protocol::metadata::MetadataResponse;
use crate::engine::protocol::sync_group::SyncGroupAssignment;

use super::assignors::mode_of;
use super::machine::Consumer;
use super::state::State;
use super::{Assigned, Event, assignors};

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Leadership {
    /// What the metadata is read for, and the members.
    question: Option<(Question, Vec<JoinGroupMember>)>,
    snapshot: Option<Snapshot>,
    /// A difference that has to wait, and until when.
    waiting: Option<(Vec<Difference>, Instant)>,
    /// What has been a reason to rejoin: how often, and when last.
    reasons: Vec<(Vec<Difference>, u32, Instant)>,
}

/// Why the metadata of all members' topics is read.
#[derive(Debug)]
pub(super) enum Question {
    /// To assign: [`Event::AssignmentNeeded`].
    Assign { job: u64, protocol: String },
    /// To look after what was assigned before (KIP-814).
    Keep,
}

type Partitions = BTreeMap<String, BTreeSet<i32>>;

/// By what was assigned.
#[derive(Debug)]
struct Snapshot {
    /// For which question of the group's.
    job: Option<u64>,
    seen: Partitions,
    given: Partitions,
    /// What the members own, if the facade assigns and its assignor is a cooperative one.
    members: Vec<Member>,
}

/// A topic with other partitions than in the snapshot.
#[derive(Debug, Clone, PartialEq)]
struct Difference {
    topic: Arc<str>,
    id: TopicId,
    partitions: Vec<i32>,
    new: Vec<i32>,
}

impl Snapshot {
    fn differences(&self, topics: &[Arc<str>], metadata: &Metadata) -> Vec<Difference> {
        let none = BTreeSet::new();
        let difference = |topic: &Arc<str>| {
            let partitions = metadata.existing(topic);
            let seen = self.seen.get(&**topic).unwrap_or(&none);
            let given = self.given.get(&**topic).unwrap_or(&none);
            let has = |number: &i32| partitions.binary_search(number).is_ok();
            let new = partitions.iter().filter(|number| !seen.contains(number) && !given.contains(number));
            let new: Vec<i32> = new.copied().collect();
            // A topic that is gone may come back, and what is assigned of it waits. One that has shrunk is another one.
            let differs = !partitions.is_empty() && (!new.is_empty() || !seen.iter().all(has));
            let id = metadata.topic_id(topic);
            differs.then(|| Difference { topic: topic.clone(), id, partitions, new })
        };
        topics.iter().filter_map(difference).collect()
    }
}

impl Leadership {
    /// When [`Consumer::compare`] wants to be called.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.as_ref().map(|(_, until)| *until)
    }

    /// The differences that are a reason to rejoin now; none, and there may be some that wait.
    fn due(&mut self, now: Instant, differences: Vec<Difference>) -> Vec<Difference> {
        let waiting = self.waiting.take();
        if differences.is_empty() {
            return differences;
        }
        self.reasons.retain(|(_, _, last)| now < *last + FORGOTTEN);
        let reason = self.reasons.iter_mut().find(|(reason, ..)| *reason == differences);
        let times = reason.as_ref().map_or(0, |(_, times, _)| *times);
        let until = match waiting {
            Some((waiting, until)) if waiting == differences => until,
            _ if times == 0 => now,
            _ => now + PAUSE.saturating_mul(1 << (times - 1).min(16)).min(LONGEST_PAUSE),
        };
        if until > now {
            self.waiting = Some((differences, until));
            return Vec::new();
        }
        match reason {
            Some((_, times, last)) => {
                *times = times.saturating_add(1);
                *last = now;
            }
            None => self.reasons.push((differences.clone(), 1, now)),
        }
        differences
    }
}

impl Consumer {
    /// We lead these members: reads the metadata of all their topics.
    pub(super) fn survey(&mut self, now: Instant, question: Question, members: Vec<JoinGroupMember>) {
        if mode_of(&self.config.assignors) == RebalanceProtocol::Cooperative {
            self.cluster.set_max_age(now, self.config.metadata_max_age / OFTENER);
        }
        let subscriptions =
            members.iter().filter_map(|member| Subscription::decode(member.metadata.clone()).ok());
        let topics: BTreeSet<String> = subscriptions.flat_map(|subscription| subscription.topics).collect();
        // The coordinator may give up on a leader that does not assign within the rebalance timeout.
        let within = self.config.rebalance_timeout / 2;
        self.cluster.survey(now, topics.into_iter().map(Arc::from), within);
        self.leadership.question = Some((question, members));
    }

    /// The metadata is read.
    pub(super) fn surveyed(&mut self, now: Instant, metadata: MetadataResponse) {
        let Some((question, members)) = self.leadership.question.take() else { return };
        let named = metadata.topics.iter().filter_map(|topic| Some((topic.name.clone()?, topic)));
        let seen = named.map(|(name, topic)| (name, topic.partitions.iter().map(|p| p.partition).collect()));
        let (seen, given) = (seen.collect(), Partitions::new());
        match question {
            Question::Assign { job, .. } if !self.group.awaits_assignments(job) => {}
            Question::Assign { job, protocol } => {
                let is_cooperative = self.is_cooperative_of_facade(&protocol);
                let owners = members.iter().filter(|_| is_cooperative).cloned().map(assignors::member);
                let owners = owners.collect();
                self.leadership.snapshot = Some(Snapshot { job: Some(job), seen, given, members: owners });
                match self.own_assignor(&protocol) {
                    Some(own) => self.assignments(now, job, Ok(assignors::assign(own, members, &metadata))),
                    None => {
                        self.events.push_back(Event::AssignmentNeeded { job, protocol, members, metadata });
                    }
                }
            }
            Question::Keep => {
                self.leadership.snapshot = Some(Snapshot { job: None, seen, given, members: Vec::new() });
                self.compare(now);
            }
        }
    }

    /// The facade has assigned.
    pub(super) fn assigned(&mut self, job: u64, assigned: Assigned) -> Vec<SyncGroupAssignment> {
        let Assigned { mut shares, seen } = assigned;
        if let Some(snapshot) = &mut self.leadership.snapshot
            && snapshot.job == Some(job)
        {
            withhold(&mut shares, &std::mem::take(&mut snapshot.members));
            snapshot.seen =
                seen.into_iter().map(|(topic, seen)| (topic, seen.into_iter().collect())).collect();
            let decoded = shares.iter().filter_map(|share| Assignment::decode(share.assignment.clone()).ok());
            for (topic, partitions) in decoded.flat_map(|share| share.topics) {
                snapshot.given.entry(topic).or_default().extend(partitions);
            }
            // An assignor may know better than we who subscribes to what.
            let given = snapshot.given.keys().map(|topic| topic.as_str().into());
            let watched: BTreeSet<Arc<str>> = self.cluster.watched().into_iter().chain(given).collect();
            self.cluster.set_others(watched.into_iter());
        }
        shares
    }

    /// Somebody else leads, and has assigned us these topics. Those that we do not name ourselves the coordinator has found by our
    /// pattern: their leaders are to be known as well.
    pub(super) fn follow(&mut self, now: Instant, assigned: &[String]) {
        self.cluster.set_max_age(now, self.config.metadata_max_age);
        self.leadership.question = None;
        self.leadership.snapshot = None;
        self.leadership.waiting = None;
        let found: Vec<Arc<str>> = assigned
            .iter()
            .filter(|topic| !self.topics.contains_key(*topic))
            .map(|t| t.as_str().into())
            .collect();
        let metadata = self.cluster.metadata();
        if found.iter().any(|topic| metadata.existing(topic).is_empty()) {
            self.cluster.refresh();
        }
        self.cluster.set_others(found.into_iter());
    }

    /// Joins again if what was assigned by is not true any more.
    pub(super) fn compare(&mut self, now: Instant) {
        let is_at_rest = self.state == State::Stable && self.group.is_stable();
        let differences = match &self.leadership.snapshot {
            Some(snapshot) if is_at_rest => {
                snapshot.differences(&self.cluster.watched(), self.cluster.metadata())
            }
            _ => Vec::new(),
        };
        let due = self.leadership.due(now, differences);
        if !due.is_empty() {
            let updated = due.into_iter();
            let updated =
                updated.map(|Difference { topic, new: unknown, .. }| Event::TopicUpdated { topic, unknown });
            self.events.extend(updated);
            self.group.rejoin(now, "the partition count of a topic has changed");
        }
    }
}

/// How many times as often as others the leader of a cooperative group reads the metadata.
const OFTENER: u32 = 6;
/// Before the same reason counts for the second time; twice as long before the third, and so on.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A reason that has not been one for so long is a new one.
const FORGOTTEN: Duration = Duration::from_secs(900);
