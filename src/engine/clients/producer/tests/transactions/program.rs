//! The program: it reads numbers, writes them, and commits how far it has read with them.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::engine::clients::producer::{Answer, Event, GroupMetadata, Offsets, Producer, Reason, Trouble};
use crate::engine::protocol::offset_commit::{OffsetCommitPartition, OffsetCommitTopic};
use crate::engine::testing::encode::TestRecord;
use crate::engine::testing::turns::TestSend;

use super::PARTITIONS;

/// What the program does next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Begin,
    /// How far it has read is looked up, when nothing is about to change that.
    Read,
    Write,
    /// A commit or an abort is awaited; None = an abort after an error.
    End {
        next: Option<u64>,
    },
    Await,
    /// It has been replaced.
    Dead(Trouble),
}

/// The program.
pub(super) struct Program {
    pub(super) producer: Producer,
    pub(super) step: Step,
    pub(super) position: u64,
    pub(super) next_ticket: u64,
    pub(super) group: GroupMetadata,
    /// Everything that its calls were answered, by ticket.
    pub(super) answers: BTreeMap<u64, Result<(), Trouble>>,
    /// Sends that are answered, by ticket: are they written?
    pub(super) sent: BTreeMap<u64, bool>,
    /// Why sends failed.
    pub(super) failed: Vec<Reason>,
    pub(super) is_closed: bool,
}

impl Program {
    pub(super) fn heard(&mut self, event: Event) {
        match event {
            Event::Transacted { ticket, result } => drop(self.answers.insert(ticket, result)),
            Event::Answer(Answer::Sent { ticket, .. }) => self.is_sent(ticket, true),
            Event::Answer(Answer::Failed(failed)) => {
                self.is_sent(failed.ticket, false);
                self.failed.push(failed.failed[0].reason.clone());
            }
            Event::Closed => self.is_closed = true,
            _ => {}
        }
    }

    fn is_sent(&mut self, ticket: i32, is_written: bool) {
        let is_first = self.sent.insert(u64::try_from(ticket).unwrap(), is_written).is_none();
        assert!(is_first, "send {ticket} was answered twice");
    }

    /// Sends these, each to its partition. Returns the ticket.
    pub(super) fn send(&mut self, at: Instant, values: &[u64]) -> u64 {
        self.next_ticket += 1;
        let record = |value: &u64| {
            let partition = i32::try_from(value % PARTITIONS as u64).unwrap();
            (partition, TestRecord { value: Some(value.to_string().into_bytes()), ..TestRecord::default() })
        };
        let topics = vec![("t".to_owned(), values.iter().map(record).collect())];
        let ticket = i32::try_from(self.next_ticket).unwrap();
        let turn = TestSend { ticket, topics, ..TestSend::default() }.encode();
        assert_eq!(self.producer.submit(at, &turn).unwrap().sends, 1);
        self.next_ticket
    }

    pub(super) fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    pub(super) fn go_on(&mut self, at: Instant, stable: Option<i64>, input: u64, count: u64, commits: bool) {
        // A call is awaited: its ticket is the last one.
        let answer = self.answers.get(&self.next_ticket).cloned();
        match (self.step.clone(), answer) {
            (Step::Begin, _) => {
                let ticket = self.ticket();
                self.producer.begin_transaction(at, ticket);
                self.step = Step::Read;
            }
            // Only now: the transaction of the one before has ended.
            (Step::Read, Some(Ok(()))) => {
                if let Some(stable) = stable {
                    self.position = u64::try_from(stable).unwrap();
                    self.step = Step::Write;
                }
            }
            (Step::Write, _) if self.position < input => {
                let next = (self.position + count).min(input);
                let values: Vec<u64> = (self.position..next).collect();
                self.send(at, &values);
                let ticket = self.ticket();
                let offset = i64::try_from(next).unwrap();
                self.producer.send_offsets(at, ticket, offsets(self.group.clone(), offset));
                let ticket = self.ticket();
                match commits {
                    true => self.producer.commit_transaction(at, ticket),
                    false => self.producer.abort_transaction(at, ticket),
                }
                self.step = Step::End { next: commits.then_some(next) };
            }
            (Step::End { .. }, Some(Ok(()))) => {
                let ticket = self.ticket();
                self.producer.begin_transaction(at, ticket);
                self.step = Step::Read;
            }
            (Step::End { next: Some(_) }, Some(Err(Trouble::Doomed(_)))) => {
                let ticket = self.ticket();
                self.producer.abort_transaction(at, ticket);
                self.step = Step::End { next: None };
            }
            (Step::Read | Step::End { .. }, Some(Err(trouble))) => self.step = Step::Dead(trouble),
            _ => {}
        }
    }
}

pub(super) fn offsets(group: GroupMetadata, offset: i64) -> Offsets {
    let partitions = vec![OffsetCommitPartition { partition: 0, offset, leader_epoch: -1, metadata: None }];
    Offsets {
        group,
        topics: vec![OffsetCommitTopic { name: "in".to_owned(), partitions, ..Default::default() }],
    }
}
