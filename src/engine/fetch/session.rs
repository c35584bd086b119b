//! The client's half of an incremental fetch session (KIP-227): what the broker believes that we want, and the
//! difference to what we do want.
//!
//! Epoch 0 opens a session with everything wanted, 1, 2, … send changes only (after `i32::MAX` comes 1), −1 goes
//! without a session. After any answer that leaves us unsure what the broker has taken in, we open a new one.

use std::sync::Arc;

use crate::engine::delivery::SlotId;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::fetch::FetchPartition;
use crate::engine::protocol::fetch::FetchRequest;
use crate::engine::protocol::fetch::FetchTopic;
use crate::engine::protocol::fetch::ForgottenTopic;

/// One partition as a Fetch asks for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) slot: SlotId,
    pub(super) topic: Arc<str>,
    pub(super) topic_id: TopicId,
    pub(super) partition: FetchPartition,
}

#[derive(Debug, Default)]
pub(super) struct Session {
    id: i32,
    epoch: i32,
    /// What the broker has, as last sent, in the order of the slots.
    sent: Vec<Wanted>,
    /// Does the broker know topics by id in this session?
    by_id: bool,
}

impl Session {
    /// Puts `wanted` into `request`, as the whole set or as changes.
    pub(super) fn fill(&mut self, mut wanted: Vec<Wanted>, request: &mut FetchRequest) {
        let by_id = wanted.iter().all(|w| !w.topic_id.is_zero());
        if by_id != self.by_id {
            self.reset();
            self.by_id = by_id;
        }
        request.by_name = !by_id;
        request.session_id = self.id;
        request.session_epoch = self.epoch;
        if self.epoch == 0 {
            request.topics = group(wanted.clone());
        }
        wanted.sort_by_key(|want| want.slot);
        let sent = std::mem::replace(&mut self.sent, wanted);
        if self.epoch == 0 {
            return;
        }
        // Mostly next to nothing has changed: what has not costs a look.
        let mut sent = sent.into_iter().peekable();
        let mut changed = Vec::new();
        for want in &self.sent {
            while let Some(gone) = sent.next_if(|sent| sent.slot < want.slot) {
                forget(&mut request.forgotten, gone);
            }
            match sent.next_if(|sent| sent.slot == want.slot) {
                Some(sent) if sent == *want => continue,
                // The topic was deleted and made again: the broker must forget the old one. By names the two are one,
                // and brokers forget last.
                Some(sent) if by_id && sent.topic_id != want.topic_id => {
                    forget(&mut request.forgotten, sent);
                }
                _ => {}
            }
            changed.push(want.clone());
        }
        sent.for_each(|gone| forget(&mut request.forgotten, gone));
        request.topics = group(changed);
    }

    /// The broker answered without a top-level error.
    pub(super) fn answered(&mut self, session_id: i32) {
        if session_id == 0 {
            // No session for us (its cache is full): go on with full requests, each trying again.
            self.id = 0;
            self.epoch = 0;
            return;
        }
        self.id = session_id;
        self.epoch = if self.epoch == i32::MAX { 1 } else { self.epoch + 1 };
    }

    /// We no longer know what the broker believes: the next request opens anew, in place of the old session.
    pub(super) fn reset(&mut self) {
        self.epoch = 0;
        self.sent.clear();
    }

    /// The broker does not know the session (any more).
    pub(super) fn forget_id(&mut self) {
        self.id = 0;
        self.reset();
    }
}

fn group(wanted: Vec<Wanted>) -> Vec<FetchTopic> {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for Wanted { topic, topic_id, partition, .. } in wanted {
        match topics.iter_mut().rfind(|t| *t.name == *topic && t.topic_id == topic_id) {
            Some(topic) => topic.partitions.push(partition),
            None => {
                topics.push(FetchTopic { name: topic.to_string(), topic_id, partitions: vec![partition] })
            }
        }
    }
    topics
}

fn forget(forgotten: &mut Vec<ForgottenTopic>, sent: Wanted) {
    let partition = sent.partition.partition;
    match forgotten.iter_mut().rfind(|t| *t.name == *sent.topic && t.topic_id == sent.topic_id) {
        Some(topic) => topic.partitions.push(partition),
        None => forgotten.push(ForgottenTopic {
            name: sent.topic.to_string(),
            topic_id: sent.topic_id,
            partitions: vec![partition],
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::engine::protocol::fetch::FIRST_WITH_TOPIC_IDS;
    use proptest::prelude::*;

    fn want(slot: u32, fetch_offset: i64, id: u8) -> Wanted {
        Wanted {
            slot: SlotId(slot),
            topic: format!("t{}", slot % 2).into(),
            topic_id: TopicId([id; 16]),
            partition: FetchPartition {
                partition: slot as i32,
                fetch_offset,
                max_bytes: 1,
                current_leader_epoch: 0,
                last_fetched_epoch: -1,
            },
        }
    }

    /// A broker's half: what it would fetch for us.
    #[derive(Default)]
    struct Broker {
        session: Option<(i32, i32)>,
        by_id: bool,
        partitions: HashMap<(String, i32), i64>,
    }

    impl Broker {
        fn fetch(&mut self, request: &FetchRequest, grants: bool) -> Result<i32, ()> {
            match (request.session_epoch, self.session) {
                (0, _) => {
                    self.partitions.clear();
                    self.by_id = is_by_id(request);
                }
                (epoch, Some((id, expected))) if id == request.session_id && epoch == expected => {}
                _ => return Err(()),
            }
            assert_eq!(self.by_id, is_by_id(request), "FETCH_SESSION_TOPIC_ID_ERROR");
            for topic in &request.topics {
                for p in &topic.partitions {
                    let key = (key(request, &topic.name, topic.topic_id), p.partition);
                    self.partitions.insert(key, p.fetch_offset);
                }
            }
            // Kafka forgets last.
            for topic in &request.forgotten {
                for partition in &topic.partitions {
                    let key = (key(request, &topic.name, topic.topic_id), *partition);
                    assert!(self.partitions.remove(&key).is_some());
                }
            }
            let next = if request.session_epoch == i32::MAX { 1 } else { request.session_epoch + 1 };
            let id = if grants { 7 } else { 0 };
            self.session = grants.then_some((id, next));
            Ok(id)
        }
    }

    fn is_by_id(request: &FetchRequest) -> bool {
        request.max_version() >= FIRST_WITH_TOPIC_IDS
    }

    /// What the wire says of a topic.
    fn key(request: &FetchRequest, name: &str, id: TopicId) -> String {
        if is_by_id(request) { format!("{id:?}") } else { name.into() }
    }

    proptest! {
        #[test]
        fn the_broker_always_fetches_exactly_what_is_wanted(
            rounds in prop::collection::vec(
                (prop::collection::btree_map(0u32..6, (0i64..3, 0u8..3), 0..6), 0u8..10), 1..30)
        ) {
            let (mut session, mut broker) = (Session::default(), Broker::default());
            for (wanted, luck) in rounds {
                let wanted: Vec<_> = wanted.into_iter().map(|(s, (o, id))| want(s, o, id)).collect();
                let mut request = FetchRequest::default();
                session.fill(wanted.clone(), &mut request);
                match luck {
                    0 => session.reset(),                             // the connection broke
                    1 => { broker.session = None; session.forget_id() } // evicted
                    _ => match broker.fetch(&request, luck != 2) {
                        Ok(id) => {
                            let expected: HashMap<_, _> = wanted.iter()
                                .map(|w| ((key(&request, &w.topic, w.topic_id), w.partition.partition), w.partition.fetch_offset))
                                .collect();
                            prop_assert_eq!(&broker.partitions, &expected);
                            session.answered(id);
                        }
                        Err(()) => session.forget_id(),
                    },
                }
            }
        }
    }

    #[test]
    fn a_session_by_names_stays_one_when_nothing_changes() {
        let mut session = Session::default();
        for round in 0..3 {
            let mut request = FetchRequest::default();
            session.fill(vec![want(0, 5, 0)], &mut request);
            assert_eq!((request.session_epoch, request.max_version()), (round, 12));
            session.answered(7);
        }
    }

    #[test]
    fn the_epoch_wraps_to_one() {
        let mut session = Session { id: 7, epoch: i32::MAX, ..Session::default() };
        session.answered(7);
        assert_eq!(session.epoch, 1);
    }
}
