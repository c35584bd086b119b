//! What one machine's event means for the others.

use std::time::Instant;

use crate::engine::cluster;
use crate::engine::fetch;
use crate::engine::group;
use crate::engine::machine::AssignmentDelta;
use crate::engine::machine::ConnectionKind;
use crate::engine::machine::Failure;
use crate::engine::machine::Log;
use crate::engine::machine::LogLevel;
use crate::engine::machine::Machine;
use crate::engine::machine::Target;
use crate::engine::machine::TopicPartition;
use crate::engine::machine::partitions_of;
use crate::engine::machine::seconds;
use crate::engine::offsets;
use crate::engine::offsets::Member;
use crate::engine::offsets::Reset;

use super::assignors::Previous;
use super::first_positions::FirstPositions;
use super::leadership::Question;
use super::machine::Consumer;
use super::state::State;
use super::{Event, Joined};

impl Consumer {
    /// Carries events between the machines until all are quiet.
    /// After the end there is nobody to tell.
    pub(super) fn route(&mut self, now: Instant) {
        while self.state != State::Stopped {
            if let Some(event) = self.cluster.poll_event() {
                self.cluster_event(now, event);
            } else if let Some(event) = self.group.poll_event() {
                self.group_event(now, event);
            } else if let Some(event) = self.offsets.poll_event() {
                self.offsets_event(now, event);
            } else if let Some(event) = self.fetch.poll_event() {
                self.fetch_event(event);
            } else {
                break;
            }
        }
        self.check_session(now);
        self.settle_heartbeats();
        self.remind(now);
    }

    /// The part of [`Consumer::route`] that decoding and finishing can have stirred: they may end after the consumer has.
    pub(super) fn route_fetch(&mut self) {
        while self.state != State::Stopped
            && let Some(event) = self.fetch.poll_event()
        {
            self.fetch_event(event);
        }
    }

    fn cluster_event(&mut self, now: Instant, event: cluster::Event) {
        match event {
            cluster::Event::Metadata(change) => {
                if change.brokers_changed {
                    let brokers = self.cluster.metadata().brokers().to_vec();
                    self.events.push_back(Event::Brokers(brokers));
                }
                self.fetch.leaders_changed(self.cluster.metadata());
                for partition in change.recreated.iter().flat_map(|topic| self.offsets.recreated(topic)) {
                    self.fetch.await_position(&partition);
                }
                self.learn_names(now);
                self.compare(now);
            }
            cluster::Event::News(news) => self.events.push_back(Event::News(news)),
            cluster::Event::Surveyed(metadata) => self.surveyed(now, metadata),
            cluster::Event::CoordinatorFound { .. } => {
                let brokers = self.cluster.metadata().brokers().to_vec();
                self.events.push_back(Event::Brokers(brokers));
            }
            cluster::Event::TopicError { topic, code } => {
                let partition = Some(TopicPartition { topic, partition: -1 });
                self.crash(Failure::Broker { code, partition });
            }
            // The cluster tells the log, and its partitions stay ours.
            cluster::Event::TopicMissing { .. } => {}
            cluster::Event::CoordinatorFailed { failure, .. } => self.crash(failure),
            cluster::Event::Failed(failure) => self.crash(failure),
            cluster::Event::Log(log) => self.events.push_back(Event::Log(log)),
        }
    }

    fn group_event(&mut self, now: Instant, event: group::Event) {
        match event {
            group::Event::ProtocolsNeeded { job, topics } => {
                self.offsets.set_rejoining(true);
                self.offer(now, job, topics);
            }
            group::Event::AssignmentNeeded { job, protocol, members } => {
                self.survey(now, Question::Assign { job, protocol }, members);
            }
            group::Event::AssignmentKept { members } => self.survey(now, Question::Keep, members),
            group::Event::Rebalancing { member_id, code } => {
                self.events.push_back(Event::Rebalancing { member_id, code });
            }
            group::Event::Revoke { partitions } => self.revoke(now, partitions),
            group::Event::Lost { partitions, .. } => self.lost(now, &partitions),
            group::Event::Joined { .. } => self.joined(now, event),
            group::Event::Heartbeat => {
                self.last_heartbeat = Some(now);
                if let Some(member) = self.group.membership() {
                    let group::Membership { member_id, generation_id, .. } = member;
                    self.events.push_back(Event::Heartbeat { member_id, generation_id });
                }
            }
            group::Event::CoordinatorLost => self.cluster.coordinator_lost(&self.coordinator_key),
            group::Event::Suspect => {
                let node = self.cluster.coordinator(&self.coordinator_key);
                self.events.extend(node.map(Target::coordinator).map(Event::Renew));
            }
            group::Event::Left => {
                if matches!(self.state, State::Leaving { .. }) {
                    self.stopped();
                }
            }
            group::Event::Failed(failure) => self.crash(failure),
            group::Event::EpochChanged => self.epoch_changed(now),
            group::Event::TopicsUnknown(ids) => {
                self.cluster.name_topics(&ids);
                self.learn_names(now);
            }
            group::Event::Log(log) => self.events.push_back(Event::Log(log)),
        }
    }

    fn joined(&mut self, now: Instant, event: group::Event) {
        let group::Event::Joined {
            duration,
            is_leader,
            leader_id,
            member_id,
            generation_id,
            protocol,
            assignment,
        } = event
        else {
            return;
        };
        let member = self.member();
        if !matches!(self.state, State::Joining | State::Stable) {
            // A consumer that has crashed or is on its way out of the group takes nothing any more. What it has not released is
            // still to be committed, and that in the generation that there is.
            if self.offsets.is_member() {
                self.offsets.member_changed(now, member);
            }
            return;
        }
        self.transition(State::Stable);
        self.previous = Previous::new(assignment.clone(), generation_id);
        let assigned_topics = assignment.iter().map(|(topic, _)| topic.clone()).collect();
        let mut assignment = assignment;
        assignment.retain(|(topic, _)| self.subscription_of(topic).is_some());
        self.refresh_if_unaware(&assignment, &member_id, generation_id);
        let AssignmentDelta { added, kept, .. } =
            AssignmentDelta::between(&self.fetch.deliveries().assignment(), partitions_of(&assignment));
        self.fetch.assign(&added);
        self.offsets.member_changed(now, member);
        let begins = |partition: &TopicPartition| {
            (partition.clone(), self.subscription_of(&partition.topic).unwrap_or(false))
        };
        let begins = added.iter().map(begins).collect();
        self.offsets.assign(begins);
        if kept.is_empty() || !added.is_empty() {
            self.first_positions = FirstPositions::Turn { commit: self.offsets.commit_under_way() };
        }
        let assigned: Vec<String> = assignment.iter().map(|(topic, _)| topic.clone()).collect();
        self.events.push_back(Event::Joined(Box::new(Joined {
            duration,
            is_leader,
            leader_id,
            member_id,
            generation_id,
            protocol,
            assignment,
            assigned_topics,
        })));
        if !self.hold(now, &added) {
            for partition in &added {
                if let Some(offset) = self.pending_seeks.remove(partition) {
                    self.apply_seek(partition, offset);
                }
            }
        }
        if is_leader {
            self.compare(now);
        } else {
            self.follow(now, &assigned);
        }
    }

    /// As whom we commit.
    fn member(&self) -> Option<Member> {
        let member = self.group.membership()?;
        let group::Membership { generation_id, by_epoch, member_id, group_instance_id } = member;
        Some(Member { generation_id, by_epoch, member_id, group_instance_id })
    }

    /// The membership goes on in another epoch (KIP-848). What was committed in the last one and refused is sent again.
    fn epoch_changed(&mut self, now: Instant) {
        if self.offsets.is_member()
            && let Some(member) = self.member()
        {
            self.offsets.member_changed(now, Some(member));
        }
    }

    /// The group waits for the names of topics that it knows by their ids.
    fn learn_names(&mut self, now: Instant) {
        let metadata = self.cluster.metadata();
        self.group.learn(now, |id| metadata.topic_name(id).cloned());
    }

    /// A leader that assigned partitions that we do not know has newer metadata. Topics of which we know nothing are no news:
    /// they are being asked for.
    fn refresh_if_unaware(&mut self, assignment: &[(String, Vec<i32>)], member_id: &str, generation_id: i32) {
        let metadata = self.cluster.metadata();
        let unaware = assignment.iter().find_map(|(topic, assigned)| {
            let known = metadata.partitions(topic);
            let is_aware = known.is_empty() || assigned.iter().all(|number| known.contains(number));
            (!is_aware).then_some((topic, known, assigned))
        });
        if let Some((topic, known, assigned)) = unaware {
            self.events.push_back(Event::PartitionsUnknown {
                member_id: member_id.to_owned(),
                generation_id,
                topic: topic.clone(),
                known,
                assigned: assigned.clone(),
            });
            self.cluster.refresh();
        }
    }

    fn offsets_event(&mut self, now: Instant, event: offsets::Event) {
        match event {
            offsets::Event::Position { partition, offset, leader_epoch, .. } => {
                self.fetch.set_position(&partition, offset, leader_epoch);
            }
            offsets::Event::CommitDone { ticket, result } => {
                self.events.push_back(Event::CommitDone { ticket, result });
            }
            offsets::Event::Committed { ticket, automatic, offsets } => {
                if let Some(member) = self.group.membership() {
                    let group::Membership { member_id, generation_id, .. } = member;
                    let committed = Event::Committed { member_id, generation_id, ticket, automatic, offsets };
                    self.events.push_back(committed);
                }
            }
            offsets::Event::Flushed => self.flushed(now),
            offsets::Event::RefreshMetadata => self.cluster.refresh(),
            offsets::Event::CoordinatorLost => self.cluster.coordinator_lost(&self.coordinator_key),
            offsets::Event::Failed(failure) => self.crash(failure),
            offsets::Event::Log(log) => self.events.push_back(Event::Log(log)),
        }
    }

    fn fetch_event(&mut self, event: fetch::Event) {
        match event {
            fetch::Event::FetchStart { node } => self.events.push_back(Event::FetchStart { node }),
            fetch::Event::FetchEnd { node, duration } => {
                self.events.push_back(Event::FetchEnd { node, duration });
            }
            fetch::Event::RefreshMetadata => self.cluster.refresh(),
            fetch::Event::NodesNamed(nodes) => {
                if self.cluster.nodes_named(nodes) {
                    let brokers = self.cluster.metadata().brokers().to_vec();
                    self.events.push_back(Event::Brokers(brokers));
                }
            }
            fetch::Event::LeaderMoved { partition, node, epoch } => {
                self.cluster.leader_moved(&partition, node, epoch);
                self.fetch.leaders_changed(self.cluster.metadata());
            }
            fetch::Event::FollowerNamed { partition, node } => {
                self.events.push_back(Event::FollowerNamed { partition, node });
            }
            fetch::Event::Dropped(number) => self.events.push_back(Event::Dropped(number)),
            fetch::Event::OutOfRange(partition) => self.offsets.reset(&partition, Reset::ByPolicy),
            fetch::Event::Truncated { partition, from, to } => self.truncated(&partition, from, to),
            fetch::Event::Damaged { partition, offset, message } => {
                let message = format!("What was fetched is damaged, fetching it again: {message}");
                let extra = self.about(&partition, vec![("offset", offset.to_string())]);
                let (level, namespace) = (LogLevel::Warn, "FetchManager");
                self.events.push_back(Event::Log(Log { level, namespace, message, extra }));
            }
            fetch::Event::Suspect { node } => {
                let kinds = [ConnectionKind::Fetch, ConnectionKind::FetchExpress];
                self.events.extend(kinds.map(|kind| Event::Renew(Target::Node(node, kind))));
            }
            fetch::Event::Failed(failure) => self.crash(failure),
            fetch::Event::Unreadable { failure, batch } => {
                self.events.push_back(Event::Unreadable { failure, batch });
            }
            fetch::Event::Unanswered { node, error, told } => {
                let lasted = told.filter(|lasted| !lasted.is_zero()).map(seconds);
                let lasted = lasted.map_or_else(String::new, |lasted| format!(" for {lasted}"));
                let message =
                    format!("Fetch from broker {node} failed{lasted}, trying again: {}", error.told());
                let level = if told.is_some() { LogLevel::Warn } else { LogLevel::Debug };
                self.log(level, "FetchManager", message);
            }
        }
    }

    /// Records come whose offsets have been there before: nobody should have to guess why.
    fn truncated(&mut self, partition: &TopicPartition, from: i64, to: i64) {
        if !self.offsets.truncated(partition) {
            self.fetch.await_position(partition);
            return;
        }
        let message = "The log was truncated, going back to where it goes on".to_owned();
        let extra = self.about(partition, vec![("from", from.to_string()), ("to", to.to_string())]);
        let level = LogLevel::Warn;
        self.events.push_back(Event::Log(Log { level, namespace: "ConsumerGroup", message, extra }));
    }

    fn about(
        &self,
        partition: &TopicPartition,
        facts: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)> {
        let mut extra =
            vec![("topic", partition.topic.to_string()), ("partition", partition.partition.to_string())];
        extra.extend(facts);
        extra.push(("groupId", self.config.group_id.clone()));
        extra
    }

    fn log(&mut self, level: LogLevel, namespace: &'static str, message: String) {
        self.events.push_back(Event::Log(Log { level, namespace, message, extra: Vec::new() }));
    }
}
