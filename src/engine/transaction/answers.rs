//! What coordinators say, and what it leads to.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::machine::TopicPartition;
use crate::engine::produce::ProducerId;
use crate::engine::produce::Reason;
use crate::engine::produce::UNTIL_ENDED;
use crate::engine::protocol::ErrorCode;
use crate::engine::protocol::Response;
use crate::engine::protocol::add_partitions_to_txn::TxnTopicResult;
use crate::engine::protocol::api_versions::TRANSACTION_VERSION;
use crate::engine::protocol::end_txn::EndTxnResponse;

use super::machine::Transaction;
use super::requests::Asked;
use super::state::{Ending, Membership, Protocol, Started, State};
use super::verdict::{self, Verdict, refusal};
use super::{Event, Trouble};

impl Transaction {
    /// The transaction's coordinator has answered, or has not.
    pub(super) fn answered(&mut self, now: Instant, asked: Asked, response: Result<Response, NetError>) {
        let response = match response {
            Ok(response) => response,
            Err(error) => return self.unanswered(now, &asked, error),
        };
        match (asked, response) {
            (Asked::Features, Response::ApiVersions(answer)) => match answer.error {
                ErrorCode::NONE => {
                    self.request.succeeded();
                    let version = answer.finalized_feature(TRANSACTION_VERSION);
                    self.speaks(now, if version >= 2 { Protocol::V2 } else { Protocol::V1 });
                }
                code => self.retry(now, false, false, refusal(code)),
            },
            (Asked::Producer, Response::InitProducerId(answer)) => {
                let producer = ProducerId { id: answer.producer_id, epoch: answer.producer_epoch };
                self.initialized(now, answer.error, producer);
            }
            (Asked::Partitions(asked), Response::AddPartitionsToTxn(answer)) => {
                self.joined(now, &asked, &answer.topics);
            }
            (Asked::Group(group), Response::AddOffsetsToTxn(answer)) => {
                self.group_added(now, group, answer.error);
            }
            (Asked::End, Response::EndTxn(answer)) => self.end_answered(now, &answer),
            (asked, _) => self.unanswered(now, &asked, NetError::OutOfStep),
        }
    }

    /// The protocol is known. A producer that has spoken it before goes on as it is.
    fn speaks(&mut self, now: Instant, protocol: Protocol) {
        self.protocol = Some(protocol);
        self.told = Some(now);
        if let State::Initializing { ticket, known: Some(known), .. } = self.state
            && known == protocol
        {
            self.open(ticket);
        }
    }

    fn unanswered(&mut self, now: Instant, asked: &Asked, error: NetError) {
        // A broker that does not even know the question knows no second protocol.
        if *asked == Asked::Features && matches!(error, NetError::UnsupportedApi { .. }) {
            self.speaks(now, Protocol::V1);
            return;
        }
        if *asked == Asked::End
            && let State::Ending(ending) = &mut self.state
        {
            ending.transaction.is_in_doubt = true;
        }
        let verdict = verdict::of_silence(&error);
        self.decide(now, verdict, Reason::Net(error));
    }

    /// What a refusal of the transaction's coordinator leads to.
    fn decide(&mut self, now: Instant, verdict: Verdict, reason: Reason) {
        match verdict {
            Verdict::Retry { is_lost, is_short } => self.retry(now, is_lost, is_short, reason),
            Verdict::Doomed => self.doom(reason),
            Verdict::Fatal => self.fail(reason),
        }
    }

    fn retry(&mut self, now: Instant, is_lost: bool, is_short: bool, reason: Reason) {
        self.last_failure = Some(reason);
        if is_short {
            self.request.want_at(now + UNTIL_ENDED);
        } else {
            self.request.failed(now, &mut self.rng);
            self.request.want();
        }
        if is_lost {
            self.told = None;
            self.events.push_back(Event::CoordinatorLost(self.key.clone()));
            self.looked_for.insert(self.key.clone());
        }
    }

    fn initialized(&mut self, now: Instant, code: ErrorCode, producer: ProducerId) {
        let State::Initializing { ticket, .. } = self.state else { return };
        if !code.is_err() {
            self.request.succeeded();
            self.producer = Some(producer);
            self.open(ticket);
            return;
        }
        match verdict::of_init(code, self.producer.is_some()) {
            Verdict::Doomed => {
                self.producer = None;
                self.retry(now, false, false, refusal(code));
            }
            verdict => self.decide(now, verdict, refusal(code)),
        }
    }

    fn joined(&mut self, now: Instant, asked: &[TopicPartition], topics: &[TxnTopicResult]) {
        let told = |at: &TopicPartition| {
            let topic = topics.iter().find(|topic| *topic.name == *at.topic)?;
            Some(topic.partitions.iter().find(|row| row.partition == at.partition)?.error)
        };
        let mut joined = Vec::new();
        let mut refused: Option<(Verdict, ErrorCode)> = None;
        for partition in asked {
            match told(partition) {
                Some(ErrorCode::NONE) => joined.push(partition.clone()),
                // All or none: the others say why.
                Some(ErrorCode::OPERATION_NOT_ATTEMPTED) => {}
                Some(code) => {
                    let verdict = verdict::of_partition(code);
                    // The worst counts.
                    if refused.is_none_or(|(known, _)| rank(verdict) > rank(known)) {
                        refused = Some((verdict, code));
                    }
                }
                None => {
                    refused.get_or_insert((
                        Verdict::Retry { is_lost: false, is_short: false },
                        ErrorCode::UNKNOWN_SERVER_ERROR,
                    ));
                }
            }
        }
        if let Some(open) = self.state.growing()
            && !joined.is_empty()
        {
            open.started = Started::Yes;
            for partition in &joined {
                open.partitions.insert(partition.clone(), Membership::In);
            }
            self.events.push_back(Event::Joined(joined));
        } else if let State::Ending(ending) = &mut self.state
            && !joined.is_empty()
        {
            ending.transaction.started = Started::Yes;
        }
        match refused {
            Some((verdict, code)) => self.decide(now, verdict, refusal(code)),
            None => self.request.succeeded(),
        }
    }

    fn group_added(&mut self, now: Instant, group: Arc<str>, code: ErrorCode) {
        if code.is_err() {
            return self.decide(now, verdict::of_group(code), refusal(code));
        }
        self.request.succeeded();
        match &mut self.state {
            State::Open(open) | State::Doomed(open, _) | State::Ending(Ending { transaction: open, .. }) => {
                open.started = Started::Yes;
                open.groups.insert(group);
            }
            _ => {}
        }
    }

    /// The group's coordinator has answered, or has not.
    pub(super) fn offsets_answered(
        &mut self,
        now: Instant,
        ticket: u64,
        response: Result<Response, NetError>,
    ) {
        let Some(open) = self.state.growing() else { return };
        if open.offsets.front().is_none_or(|call| call.ticket != ticket) {
            return;
        }
        let (verdict, reason) = match response {
            Ok(Response::TxnOffsetCommit(answer)) => {
                let rows = answer.topics.iter().flat_map(|topic| {
                    topic.partitions.iter().map(|row| (topic.name.as_str(), row.partition, row.error))
                });
                let refused = rows.filter(|(.., code)| code.is_err());
                let worst = refused
                    .map(|row| (verdict::of_offsets(row.2), row))
                    .max_by_key(|(verdict, _)| rank(*verdict));
                match worst {
                    Some((verdict, row)) => (verdict, refusal_of_offset(row)),
                    None => {
                        open.offsets.pop_front();
                        open.started = Started::Yes;
                        self.commit.succeeded();
                        self.answer(ticket, Ok(()));
                        return;
                    }
                }
            }
            Ok(_) => (verdict::of_silence(&NetError::OutOfStep), Reason::Net(NetError::OutOfStep)),
            Err(error) => (verdict::of_silence(&error), Reason::Net(error)),
        };
        match verdict {
            Verdict::Retry { is_lost, is_short } => {
                if !is_short && self.commit.attempts() == 0 {
                    self.offsets_wait(&reason);
                }
                self.last_failure = Some(reason);
                if is_short {
                    self.commit.want_at(now + UNTIL_ENDED);
                } else {
                    self.commit.failed(now, &mut self.rng);
                    self.commit.want();
                }
                if is_lost && let Some(group) = self.group() {
                    let key = CoordinatorKey::group(group);
                    self.looked_for.insert(key.clone());
                    self.events.push_back(Event::CoordinatorLost(key));
                }
            }
            Verdict::Doomed => self.doom(reason),
            Verdict::Fatal => self.fail(reason),
        }
    }

    /// Tells why the offsets are not there yet, for as long as that may take.
    fn offsets_wait(&mut self, reason: &Reason) {
        let why = match reason {
            Reason::Broker { message: Some(message), .. } => message.clone(),
            Reason::Broker { code, .. } => code.message().into_owned(),
            Reason::Net(error) => error.told(),
            _ => return,
        };
        let group = self.group().cloned().unwrap_or_default();
        let line =
            format!("The offsets of group {group:?} cannot be sent to the transaction, trying again: {why}");
        self.log(LogLevel::Warn, line);
    }

    fn end_answered(&mut self, now: Instant, answer: &EndTxnResponse) {
        let State::Ending(Ending { transaction, committed, ticket, .. }) = &mut self.state else { return };
        let (committed, is_in_doubt) = (*committed, transaction.is_in_doubt);
        let is_perhaps_none = transaction.started == Started::Perhaps || is_in_doubt;
        match answer.error {
            ErrorCode::NONE => {
                self.request.succeeded();
                if answer.producer_id >= 0 {
                    let (id, epoch) = (answer.producer_id, answer.producer_epoch);
                    self.producer = Some(ProducerId { id, epoch });
                }
                self.ended(now);
            }
            // What the coordinator was asked never came to it; or a commit did, before it was given up.
            ErrorCode::INVALID_TXN_STATE if !committed && is_perhaps_none => self.given_up(now),
            code => match verdict::of_end(code, committed) {
                // There is nothing left to abort; the next transaction begins with InitProducerId.
                Verdict::Doomed if !committed => self.given_up(now),
                // Only a coordinator that has aborted it knows what became of the commit that it has not answered.
                Verdict::Doomed if is_in_doubt && code != ErrorCode::INVALID_TXN_STATE => {
                    if let Some(ticket) = ticket.take() {
                        self.answer(ticket, Err(Trouble::Unanswered(refusal(code))));
                    }
                    self.doom(refusal(code));
                }
                verdict => self.decide(now, verdict, refusal(code)),
            },
        }
    }

    /// For the coordinator there is no transaction that could be aborted.
    fn given_up(&mut self, now: Instant) {
        let State::Ending(Ending { ticket, .. }) = &self.state else { return };
        let ticket = *ticket;
        self.request.succeeded();
        self.transition(State::Uninitialized);
        if let Some(ticket) = ticket {
            self.answer(ticket, Ok(()));
        }
        self.begin_next(now);
    }
}

/// What is wrong with an offset. What is wrong with its group is told of each partition alike, and names none.
fn refusal_of_offset((topic, partition, code): (&str, i32, ErrorCode)) -> Reason {
    let message = match code {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => {
            Some(format!("topic {topic:?} has no partition {partition}, or does not exist"))
        }
        ErrorCode::TOPIC_AUTHORIZATION_FAILED | ErrorCode::OFFSET_METADATA_TOO_LARGE => {
            Some(format!("partition {partition} of topic {topic:?}"))
        }
        _ => None,
    };
    Reason::Broker { code, message }
}

/// How bad it is.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Retry { is_lost: false, .. } => 0,
        Verdict::Retry { is_lost: true, .. } => 1,
        Verdict::Doomed => 2,
        Verdict::Fatal => 3,
    }
}
