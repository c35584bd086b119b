//! Differential tests against the `kafka-protocol` crate, which is generated from Kafka's own schemas: every message in
//! every version, both ways. A family file states each message three times: ours filled with values, theirs with the
//! same values in a given version, and ours as that version lets it through.
//!
//! [`hostile`] then breaks every response of the families.

mod broker;
mod configs;
mod consumer_group;
mod fetch;
mod golden;
mod group;
mod groups;
mod headers;
mod hostile;
mod membership;
mod offsets;
mod open_transactions;
mod partitions;
mod produce;
mod security;
mod smallest;
mod topics;
mod transactions;

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, Message, Request as TheirRequest, StrBytes};

use super::*;

/// What the variable parts of a sample hold.
#[derive(Debug, Clone, Copy)]
enum Fill {
    /// Everything is there.
    Full,
    /// Arrays have elements, but all that can be null is null and strings are empty.
    Null,
    /// What can be null is empty instead, and so is every array.
    Empty,
}

impl Fill {
    const ALL: [Fill; 3] = [Fill::Full, Fill::Null, Fill::Empty];

    fn text(self, text: &str) -> String {
        if let Fill::Full = self { text.to_owned() } else { String::new() }
    }

    fn bytes(self, bytes: &'static [u8]) -> Bytes {
        if let Fill::Full = self { Bytes::from_static(bytes) } else { Bytes::new() }
    }

    fn maybe(self, text: &str) -> Option<String> {
        if let Fill::Null = self { None } else { Some(self.text(text)) }
    }

    fn list<T>(self, elements: impl Into<Vec<T>>) -> Vec<T> {
        if let Fill::Empty = self { Vec::new() } else { elements.into() }
    }
}

/// Encodes `ours` in every version that both sides speak and compares what they read with `theirs`.
fn check_request<T>(ours: impl Into<Request>, theirs: impl Fn(i16) -> T)
where
    T: TheirRequest + Debug + PartialEq,
{
    let ours = ours.into();
    assert_eq!(ours.key().code(), T::KEY);
    for version in common_versions::<T>(ours.key()).filter(|version| *version >= ours.min_version()) {
        let mut frame = frame_body(&encode_frame(&ours, version, 77, "client ü"));
        let header = RequestHeader::decode(&mut frame, T::header_version(version)).unwrap();
        let expected = RequestHeader::default()
            .with_request_api_key(T::KEY)
            .with_request_api_version(version)
            .with_correlation_id(77)
            .with_client_id(Some(str_bytes("client ü")));
        assert_eq!(header, expected);
        assert_eq!(T::decode(&mut frame, version).unwrap(), theirs(version), "{:?} v{version}", ours.key());
        assert!(frame.is_empty(), "{:?} v{version} is longer than they know", ours.key());
    }
}

/// A response body of theirs and what we must read in it.
struct Sample {
    key: ApiKey,
    version: i16,
    body: Bytes,
    expected: Response,
}

impl Sample {
    /// One sample per version that both sides speak.
    fn per_version<T: Message + Encodable>(
        key: ApiKey,
        theirs: impl Fn(i16) -> T,
        ours: impl Fn(i16) -> Response,
    ) -> Vec<Sample> {
        let sample = |version| {
            let mut body = BytesMut::new();
            theirs(version).encode(&mut body, version).unwrap();
            Sample { key, version, body: body.freeze(), expected: ours(version) }
        };
        common_versions::<T>(key).map(sample).collect()
    }

    fn decode(&self) -> Result<Response, DecodeError> {
        Response::decode(self.key, self.version, self.body.clone())
    }

    fn check(&self) {
        let Sample { key, version, .. } = self;
        assert_eq!(self.decode().as_ref(), Ok(&self.expected), "{key:?} v{version}");
        // Only a decoder that reads to the very end notices the loss of the last byte.
        let mut cut = self.body.clone();
        cut.truncate(cut.len() - 1);
        let cut = Response::decode(*key, *version, cut);
        assert!(cut.is_err(), "{key:?} v{version} is longer than we know");
    }
}

/// The response samples of all families.
fn samples(fill: Fill) -> impl Iterator<Item = Sample> {
    [
        broker::samples(fill),
        configs::samples(fill),
        consumer_group::samples(fill),
        fetch::samples(fill),
        golden::samples(fill),
        group::samples(fill),
        groups::samples(fill),
        offsets::samples(fill),
        open_transactions::samples(fill),
        partitions::samples(fill),
        produce::samples(fill),
        security::samples(fill),
        topics::samples(fill),
        transactions::samples(fill),
    ]
    .into_iter()
    .flatten()
}

fn all_samples() -> impl Iterator<Item = Sample> {
    Fill::ALL.into_iter().flat_map(samples)
}

#[test]
fn there_is_a_sample_of_every_version() {
    let samples: Vec<Sample> = samples(Fill::Full).collect();
    for &key in ApiKey::ALL {
        let VersionRange { min, max } = key.versions();
        for version in min..=max {
            // kafka-protocol ends at ListOffsets v10; see `offsets`.
            if (key, version) != (ApiKey::ListOffsets, 11) {
                assert!(samples.iter().any(|s| (s.key, s.version) == (key, version)), "{key:?} v{version}");
            }
        }
    }
}

fn common_versions<T: Message>(key: ApiKey) -> impl Iterator<Item = i16> {
    let VersionRange { min, max } = key.versions();
    min.max(T::VERSIONS.min)..=max.min(T::VERSIONS.max)
}

/// A frame of ours without its length, which is checked.
fn frame_body(frame: &[u8]) -> Bytes {
    let (length, body) = frame.split_first_chunk().unwrap();
    assert_eq!(i32::from_be_bytes(*length), i32::try_from(body.len()).unwrap());
    Bytes::copy_from_slice(body)
}

/// Any string type of theirs.
fn name<T: From<StrBytes>>(text: &str) -> T {
    str_bytes(text).into()
}

fn str_bytes(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn maybe_name<T: From<StrBytes>>(text: &Option<String>) -> Option<T> {
    text.as_deref().map(name)
}

/// Their UUID type.
fn uuid<T: TryFrom<Vec<u8>, Error: Debug>>(id: TopicId) -> T {
    id.0.to_vec().try_into().unwrap()
}

/// Maps the elements.
fn each<A, B>(elements: &[A], map: impl Fn(&A) -> B) -> Vec<B> {
    elements.iter().map(map).collect()
}

/// `value` from version `since` on, else nothing.
fn since<T: Default>(version: i16, since: i16, value: T) -> T {
    since_or(version, since, value, T::default())
}

/// `value` from version `since` on, else `absent`.
fn since_or<T>(version: i16, since: i16, value: T, absent: T) -> T {
    if version >= since { value } else { absent }
}

/// Longer than one varint byte can say, and not ASCII.
fn long_name() -> String {
    "thé-topic-".repeat(30)
}

const ID: TopicId = TopicId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
