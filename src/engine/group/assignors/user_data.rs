//! The bytes that sticky assignors put into the subscriptions, and where they find a member's partitions.
//!
//! `sticky` writes what the member was assigned last, and since v1 in which generation: under an eager protocol the
//! subscription's own field is empty. `cooperative-sticky` writes the generation, also since subscriptions have a field for it
//! (v2): leaders of Kafka 2.8 to 3.3 read no such field, and give away at once what a member without a generation owns.

use bytes::Bytes;

use crate::engine::protocol::{DecodeError, Reader, Writer};

use super::{Member, Partitions};

/// User data of `sticky`, v1.
pub(super) fn encode_previous(partitions: &Partitions, generation: i32) -> Bytes {
    let mut out = Writer::new();
    out.array(partitions, |out, (topic, ids)| {
        out.string(topic);
        out.i32s(ids);
    });
    out.i32(generation);
    out.into_bytes().into()
}

/// User data of `cooperative-sticky`.
pub(super) fn encode_generation(generation: i32) -> Bytes {
    let mut out = Writer::new();
    out.i32(generation);
    out.into_bytes().into()
}

/// What a member of `sticky` had, and in which generation: -1 if it does not say (v0). What cannot be read counts as
/// nothing, as in Kafka.
pub(super) fn previous(member: &Member) -> (Partitions, i32) {
    let data = member.subscription.user_data.clone().unwrap_or_default();
    decode_previous(data).unwrap_or((Partitions::new(), NO_GENERATION))
}

fn decode_previous(data: Bytes) -> Result<(Partitions, i32), DecodeError> {
    let mut input = Reader::new(data);
    let partitions = input.array(6, |input| Ok((input.string()?, input.i32s()?)))?;
    Ok((partitions, input.i32().unwrap_or(NO_GENERATION)))
}

/// What a member of `cooperative-sticky` has, and since which generation.
pub(super) fn owned(member: &Member) -> (Partitions, i32) {
    let subscription = &member.subscription;
    let generation = if subscription.generation >= 0 {
        subscription.generation
    } else {
        let data = subscription.user_data.clone().unwrap_or_default();
        Reader::new(data).i32().unwrap_or(NO_GENERATION)
    };
    (subscription.owned.clone(), generation)
}

const NO_GENERATION: i32 = -1;
