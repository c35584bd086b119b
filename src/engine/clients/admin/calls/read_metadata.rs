//! Brokers and topics, of any broker.

use crate::engine::clients::admin::call::{Asked, Call, Found, Recipient};
use crate::engine::machine::Failure;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::metadata::MetadataRequest;
use crate::engine::protocol::metadata::MetadataRequestTopic;
use crate::engine::protocol::metadata::MetadataResponse;

use super::OUT_OF_STEP;

/// Answers the brokers and these topics. What is wrong with a topic stands in it.
pub struct ReadMetadata {
    topics: Option<Vec<String>>,
    allow_auto_topic_creation: bool,
    answer: Option<MetadataResponse>,
}

impl ReadMetadata {
    /// None = all topics; empty = only the brokers.
    pub fn new(topics: Option<Vec<String>>, allow_auto_topic_creation: bool) -> ReadMetadata {
        ReadMetadata { topics, allow_auto_topic_creation, answer: None }
    }
}

impl Call for ReadMetadata {
    type Part = ();
    type Answer = MetadataResponse;

    fn parts(&mut self) -> Vec<(Recipient, ())> {
        vec![(Recipient::Any, ())]
    }

    fn request(&mut self, _: &Asked<()>, _: &Found) -> Request {
        metadata_request(self.topics.take(), self.allow_auto_topic_creation)
    }

    fn response(&mut self, _: Asked<()>, response: Response) -> Result<(), Failure> {
        let Response::Metadata(metadata) = response else { return Err(OUT_OF_STEP) };
        self.answer = Some(whole(metadata)?);
        Ok(())
    }

    fn answer(self) -> Result<MetadataResponse, Failure> {
        self.answer.ok_or(OUT_OF_STEP)
    }
}

pub(in crate::engine::clients::admin) fn metadata_request(
    topics: Option<Vec<String>>,
    allow_auto_topic_creation: bool,
) -> Request {
    let named = |name| MetadataRequestTopic { name: Some(name), ..Default::default() };
    let topics = topics.map(|names| names.into_iter().map(named).collect());
    MetadataRequest { topics, allow_auto_topic_creation }.into()
}

/// Unless the whole question was refused (v13); older brokers say so topic by topic.
pub(in crate::engine::clients::admin) fn whole(
    metadata: MetadataResponse,
) -> Result<MetadataResponse, Failure> {
    match metadata.error {
        code if code.is_err() => Err(Failure::Broker { code, partition: None }),
        _ => Ok(metadata),
    }
}
