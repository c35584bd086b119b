//! Topics of which somebody knows the id only: brokers that know Metadata v12 name them.
//!
//! A question of its own: a broker that is asked by ids leaves out what is asked by names in the same request.

use std::time::Instant;

use fastrand::Rng;

use crate::engine::machine::RequestState;
use crate::engine::machine::Target;
use crate::engine::protocol::TopicId;
use crate::engine::protocol::metadata::{MetadataRequest, MetadataRequestTopic};

use super::Metadata;

/// What is to be named, and the request for it.
#[derive(Debug, Default)]
pub(super) struct Names {
    wanted: Vec<TopicId>,
    request: RequestState,
}

impl Names {
    /// These, and no others. Those that are new are asked for at once, the others when it is their time.
    pub(super) fn set(&mut self, ids: &[TopicId], metadata: &Metadata) {
        let is_new = ids.iter().any(|id| !self.wanted.contains(id));
        self.wanted = ids.to_vec();
        if is_new {
            self.request.succeeded();
            self.request.want();
        }
        self.heard(metadata);
    }

    /// The metadata has changed: what it knows need not be asked for.
    pub(super) fn heard(&mut self, metadata: &Metadata) {
        self.wanted.retain(|id| metadata.topic_name(*id).is_none());
        if self.wanted.is_empty() {
            self.request.cancel();
        }
    }

    pub(super) fn poll(&mut self, now: Instant, id: u64) -> Option<(Target, MetadataRequest)> {
        if !self.request.is_due(now) {
            return None;
        }
        let to = self.request.send(now, id, ());
        let topics = self.wanted.iter().map(|&topic_id| MetadataRequestTopic { topic_id, name: None });
        Some((to, MetadataRequest { topics: Some(topics.collect()), allow_auto_topic_creation: false }))
    }

    /// Is this the answer to the request that is out?
    pub(super) fn land(&mut self, id: u64) -> bool {
        self.request.land(id).is_some()
    }

    /// It was answered, well or not, and what it told is in the metadata. What is still not known is asked of another broker,
    /// after a while: brokers hear of a topic later than its coordinator may.
    pub(super) fn answered(&mut self, now: Instant, rng: &mut Rng) {
        if self.wanted.is_empty() {
            self.request.succeeded();
        } else {
            self.request.failed(now, rng);
            self.request.doubt();
        }
    }

    pub(super) fn due_at(&self) -> Option<Instant> {
        self.request.due_at()
    }

    pub(super) fn cancel(&mut self) {
        self.request.cancel();
    }
}
