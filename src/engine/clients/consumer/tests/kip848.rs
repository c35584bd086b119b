//! The coordinator of a group by KIP-848.

use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, JOIN_EPOCH, TopicPartitions,
};

use super::cluster::Cluster;

/// What a coordinator of KIP-848 knows of its only member. What the member is to have is [`Cluster::share`].
#[derive(Debug, Default)]
pub(super) struct Kip848 {
    pub(super) is_spoken: bool,
    /// What it may have at present: what is to go first goes, and what is added comes with the next epoch.
    pub(super) assigned: Vec<i32>,
    /// The epochs at which it left.
    pub(super) left_at: Vec<i32>,
    /// What it said last that it owns.
    pub(super) owned: Vec<i32>,
    /// Its epoch before this one: the answer that told of this one may have been lost.
    previous: i32,
    /// What it may have is not what it was told last.
    pub(super) is_news: bool,
}

impl Cluster {
    fn next_epoch(&mut self) {
        self.kip848.previous = self.generation;
        self.generation += 1;
    }

    /// What was not among these and is assigned now comes from others.
    fn pass_on_all(&mut self, kept: &[i32]) {
        let assigned = self.kip848.assigned.clone();
        for partition in assigned.into_iter().filter(|partition| !kept.contains(partition)) {
            self.pass_on(partition);
        }
    }

    pub(super) fn beat(&mut self, request: &ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
        let id = &request.member_id;
        if request.member_epoch < JOIN_EPOCH {
            self.members.remove(id);
            self.left += 1;
            self.kip848.left_at.push(request.member_epoch);
            let member_epoch = request.member_epoch;
            return ConsumerGroupHeartbeatResponse { member_epoch, ..Default::default() };
        }
        let is_joining = request.member_epoch == JOIN_EPOCH;
        if is_joining {
            self.members = [id.clone()].into();
            self.next_epoch();
            let assigned = std::mem::replace(&mut self.kip848.assigned, self.share.clone());
            self.pass_on_all(&assigned);
        } else if !self.members.contains(id) {
            return refused(ErrorCode::UNKNOWN_MEMBER_ID);
        } else if request.member_epoch != self.generation {
            let owns = |owned: &Vec<TopicPartitions>| {
                let mut partitions = owned.iter().flat_map(|topic| &topic.partitions);
                partitions.all(|partition| self.kip848.assigned.contains(partition))
            };
            let is_late =
                request.member_epoch == self.kip848.previous && request.owned.as_ref().is_some_and(owns);
            if !is_late {
                return refused(ErrorCode::FENCED_MEMBER_EPOCH);
            }
        }
        if let Some(owned) = &request.owned {
            self.kip848.owned = owned.iter().flat_map(|topic| topic.partitions.clone()).collect();
        }
        let share = self.share.clone();
        let Kip848 { assigned, owned, .. } = &mut self.kip848;
        let before = assigned.clone();
        assigned.retain(|partition| share.contains(partition));
        if *assigned != share && owned.iter().all(|partition| assigned.contains(partition)) {
            let kept = std::mem::replace(assigned, share);
            self.next_epoch();
            self.pass_on_all(&kept);
        }
        let is_late_news = std::mem::take(&mut self.kip848.is_news);
        let is_news =
            is_joining || is_late_news || request.topics.is_some() || self.kip848.assigned != before;
        let assignment =
            vec![TopicPartitions { topic_id: self.topic_id, partitions: self.kip848.assigned.clone() }];
        ConsumerGroupHeartbeatResponse {
            member_id: Some(id.clone()),
            member_epoch: self.generation,
            heartbeat_interval_ms: 1_000,
            assignment: is_news.then_some(assignment),
            ..Default::default()
        }
    }
}

pub(super) fn refused(error: ErrorCode) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse { error, ..Default::default() }
}
