//! The bytes that group members exchange through JoinGroup and SyncGroup: ConsumerProtocolSubscription and
//! ConsumerProtocolAssignment. Version-prefixed, never flexible. A higher version is read with the highest layout
//! that we know and its tail ignored.

use bytes::Bytes;

use super::{DecodeError, Reader, Writer};

/// What a member brings into the group (ConsumerProtocolSubscription).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// 0 to 3; a decoded one may be higher.
    pub version: i16,
    /// Subscribed topics.
    pub topics: Vec<String>,
    /// The assignor's own bytes.
    pub user_data: Option<Bytes>,
    /// Partitions that the member owned before this join (v1, KIP-429).
    pub owned: Vec<(String, Vec<i32>)>,
    /// The generation in which it owned them (v2, KIP-792), -1 when unknown.
    pub generation: i32,
    /// The member's rack (v3, KIP-881).
    pub rack: Option<String>,
}

impl Default for Subscription {
    fn default() -> Subscription {
        Subscription {
            version: MAX_VERSION,
            topics: Vec::new(),
            user_data: None,
            owned: Vec::new(),
            generation: -1,
            rack: None,
        }
    }
}

impl Subscription {
    /// Writes the layout of `version`, at most that of v3.
    pub fn encode(&self) -> Bytes {
        let version = self.version.clamp(0, MAX_VERSION);
        let mut out = Writer::new();
        out.i16(version);
        out.strings(&self.topics);
        out.nullable_bytes(&self.user_data);
        if version >= 1 {
            write_partitions(&mut out, &self.owned);
        }
        if version >= 2 {
            out.i32(self.generation);
        }
        if version >= 3 {
            out.nullable_string(&self.rack);
        }
        out.into_bytes().into()
    }

    /// Reads any version.
    ///
    /// There are clients that claim v1 and send the fields of v0, so what cannot be read behind the v0 fields is
    /// absent, not an error.
    pub fn decode(bytes: Bytes) -> Result<Subscription, DecodeError> {
        let mut input = Reader::new(bytes);
        let version = read_version(&mut input)?;
        let mut subscription = Subscription {
            version,
            topics: input.strings()?,
            user_data: read_user_data(&mut input)?,
            ..Subscription::default()
        };
        // An error here only means that the rest is missing.
        let _ = subscription.read_later_fields(&mut input);
        Ok(subscription)
    }

    fn read_later_fields(&mut self, input: &mut Reader) -> Result<(), DecodeError> {
        if self.version >= 1 {
            self.owned = read_partitions(input)?;
        }
        if self.version >= 2 {
            self.generation = input.i32()?;
        }
        if self.version >= 3 {
            self.rack = input.nullable_string()?;
        }
        Ok(())
    }
}

/// What the leader gives a member (ConsumerProtocolAssignment). All versions have one layout.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assignment {
    /// 0 to 3; a decoded one may be higher.
    pub version: i16,
    /// Topics and their partitions, as sent.
    pub topics: Vec<(String, Vec<i32>)>,
    /// The assignor's own bytes.
    pub user_data: Option<Bytes>,
}

impl Assignment {
    /// Writes it.
    pub fn encode(&self) -> Bytes {
        let mut out = Writer::new();
        out.i16(self.version.clamp(0, MAX_VERSION));
        write_partitions(&mut out, &self.topics);
        out.nullable_bytes(&self.user_data);
        out.into_bytes().into()
    }

    /// Reads any version. No bytes at all are an empty assignment: that is what the coordinator sends to a member
    /// that the leader left out.
    pub fn decode(bytes: Bytes) -> Result<Assignment, DecodeError> {
        if bytes.is_empty() {
            return Ok(Assignment::default());
        }
        let mut input = Reader::new(bytes);
        Ok(Assignment {
            version: read_version(&mut input)?,
            topics: read_partitions(&mut input)?,
            user_data: read_user_data(&mut input)?,
        })
    }
}

fn read_version(input: &mut Reader) -> Result<i16, DecodeError> {
    match input.i16()? {
        version if version < 0 => {
            Err(DecodeError::Invalid { what: "consumer protocol version", value: version.into() })
        }
        version => Ok(version),
    }
}

/// Some clients leave it out instead of sending null.
fn read_user_data(input: &mut Reader) -> Result<Option<Bytes>, DecodeError> {
    if input.remaining() == 0 { Ok(None) } else { input.nullable_bytes() }
}

fn read_partitions(input: &mut Reader) -> Result<Vec<(String, Vec<i32>)>, DecodeError> {
    input.array(6, |input| Ok((input.string()?, input.i32s()?)))
}

fn write_partitions(out: &mut Writer, topics: &[(String, Vec<i32>)]) {
    out.array(topics, |out, (topic, partitions)| {
        out.string(topic);
        out.i32s(partitions);
    });
}

/// The highest layout that we know.
const MAX_VERSION: i16 = 3;
