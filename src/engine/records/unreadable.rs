//! A batch that cannot be read, as it is: for whoever wants to keep it and go on behind it.

use bytes::Bytes;

use super::batch::{Batch, Frame};

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The whole batch, header included; or a message of the old formats.
    pub bytes: Bytes,
    /// The offset behind it.
    pub next: i64,
}

impl Unreadable {
    /// The batch at the front of `records`. `None` when nobody can say where it ends: then going on behind it could skip what is sound.
    ///
    /// A batch whose checksum fits says itself where it ends. Of another one the next batch says so; and if there is none, the header is
    /// believed as far as its two counts agree. `position` is the next offset to be read, `high_watermark` the end of the partition.
    pub(super) fn find(records: &Bytes, position: i64, high_watermark: i64) -> Option<Unreadable> {
        let frame = Frame::peek(records).ok()??;
        let (entry, rest) = records.split_at_checked(frame.length)?;
        let next = if frame.magic == 2 {
            end_of(entry).or_else(|| follower(rest, position)).or_else(|| claimed_end(entry))?
        } else {
            frame.base_offset.checked_add(1)?
        };
        let is_there = next > position && next > frame.base_offset && next <= high_watermark;
        is_there.then(|| Unreadable { bytes: records.slice(..frame.length), next })
    }
}

/// The end of a batch whose checksum fits.
fn end_of(entry: &[u8]) -> Option<i64> {
    Some(Batch::read(entry, true).ok()??.last_offset() + 1)
}

/// Where the next batch begins.
fn follower(rest: &[u8], position: i64) -> Option<i64> {
    let frame = Frame::peek(rest).ok()??;
    let is_sound = frame.magic == 2 && end_of(rest.get(..frame.length)?).is_some();
    (is_sound && frame.base_offset > position).then_some(frame.base_offset)
}

fn claimed_end(entry: &[u8]) -> Option<i64> {
    let batch = Batch::read(entry, false).ok()??;
    let is_agreed = i64::try_from(batch.record_count).ok()? == i64::from(batch.last_offset_delta) + 1;
    is_agreed.then(|| batch.last_offset() + 1)
}
