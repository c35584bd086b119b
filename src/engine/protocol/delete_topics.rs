//! DeleteTopics (key 20): the controller deletes topics.

use super::{DecodeError, ErrorCode, Reader, TopicId, VersionRange, Writer};

/// Versions that we speak. 5 = the broker's words, 6 = by id, too.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 6 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 4;

/// DeleteTopics request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicsRequest {
    /// Their names.
    pub topics: Vec<String>,
    /// How long the broker may wait for them to be gone, ms.
    pub timeout_ms: i32,
}

/// DeleteTopics response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per topic.
    pub topics: Vec<DeletedTopic>,
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeletedTopic {
    /// Its name; null for an unknown id (v6).
    pub name: Option<String>,
    /// Its id (v6).
    pub topic_id: TopicId,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words (v5).
    pub error_message: Option<String>,
}

impl DeleteTopicsRequest {
    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        if version >= 6 {
            out.array(&self.topics, |out, name| {
                out.nullable_string(&Some(name.clone()));
                out.uuid(TopicId::ZERO);
            });
        } else {
            out.strings(&self.topics);
        }
        out.i32(self.timeout_ms);
        out.tags();
    }
}

impl DeleteTopicsResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<DeleteTopicsResponse, DecodeError> {
        let response = DeleteTopicsResponse {
            throttle_time_ms: input.i32()?,
            topics: input.array(4, |input| {
                Ok(DeletedTopic {
                    name: input.nullable_string()?,
                    topic_id: if version >= 6 { input.uuid()? } else { TopicId::ZERO },
                    error: input.error()?,
                    error_message: if version >= 5 { input.nullable_string()? } else { None },
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}
