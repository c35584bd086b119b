//! Fixed and variable integers, strings, arrays, tagged fields: the alphabet of the protocol.
//!
//! [`Reader`] and [`Writer`] carry a *flexible* switch (KIP-482), set once per body from the API's first flexible
//! version. It decides between the two spellings of every length, so that an API file reads like the grammar:
//!
//! ```text
//!             fixed spelling                  flexible ("compact") spelling
//! string      i16 length, -1 = null           varint length + 1, 0 = null
//! bytes       i32 length, -1 = null           varint length + 1, 0 = null
//! array       i32 count,  -1 = null           varint count + 1,  0 = null
//! structure   its fields                      its fields, then tagged fields
//! ```

mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

/// A topic's id (KIP-516); all zero when the topic has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// "This topic has no id."
    pub const ZERO: TopicId = TopicId([0; 16]);

    /// Is this [`TopicId::ZERO`]?
    pub fn is_zero(&self) -> bool {
        *self == TopicId::ZERO
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use crate::engine::protocol::error::DecodeError;

    use super::*;

    fn reader(bytes: &[u8], flexible: bool) -> Reader {
        let mut input = Reader::new(Bytes::copy_from_slice(bytes));
        input.set_flexible(flexible);
        input
    }

    fn invalid<T>(what: &'static str, value: i64) -> Result<T, DecodeError> {
        Err(DecodeError::Invalid { what, value })
    }

    #[test]
    fn varints_end_at_32_bits() {
        let mut last = reader(&[0xff, 0xff, 0xff, 0xff, 0x0f], true);
        assert_eq!(last.unsigned_varint(), Ok(u32::MAX));
        let mut too_large = reader(&[0xff, 0xff, 0xff, 0xff, 0x1f], true);
        assert_eq!(too_large.unsigned_varint(), invalid("varint", 0x1_ffff_ffff));
        let mut too_long = reader(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], true);
        assert_eq!(too_long.unsigned_varint(), invalid("varint", 0));
        assert_eq!(reader(&[0x80], true).unsigned_varint(), Err(DecodeError::Truncated { missing: 1 }));
    }

    #[test]
    fn null_where_there_is_no_null_is_an_error() {
        assert_eq!(reader(&[0xff, 0xff], false).string(), invalid("string length", -1));
        assert_eq!(reader(&[0], true).string(), invalid("string length", -1));
        assert_eq!(reader(&[0xff; 4], false).bytes(), invalid("bytes length", -1));
        assert_eq!(reader(&[0], true).bytes(), invalid("bytes length", -1));
    }

    #[test]
    fn a_null_array_reads_as_empty() {
        assert_eq!(reader(&[0xff; 4], false).i32s(), Ok(vec![]));
        assert_eq!(reader(&[0], true).i32s(), Ok(vec![]));
    }

    #[test]
    fn negative_lengths_are_errors() {
        assert_eq!(reader(&[0xff, 0xfe], false).nullable_string(), invalid("string length", -2));
        assert_eq!(reader(&[0x80, 0, 0, 0], false).nullable_bytes(), invalid("bytes length", -1 << 31));
        assert_eq!(reader(&[0xff, 0xff, 0xff, 0xfe], false).i32s(), invalid("array count", -2));
    }

    #[test]
    fn a_count_is_compared_with_the_bytes_left() {
        let two = [0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8];
        assert_eq!(reader(&two, false).i32s(), Ok(vec![7, 8]));
        assert_eq!(reader(&two[..11], false).i32s(), invalid("array count", 2));
    }

    #[test]
    fn strings_are_utf8() {
        assert_eq!(reader(&[0, 1, 0xfc], false).string(), Err(DecodeError::NotUtf8));
        assert_eq!(reader(&[0, 3, b'a'], false).string(), Err(DecodeError::Truncated { missing: 2 }));
    }

    #[test]
    fn tagged_fields_are_read_alone_and_the_unknown_skipped() {
        // Three fields: 0 = two bytes, 5 = i16 and a byte from a later version, 6 = nothing.
        let bytes = [3, 0, 2, 0xaa, 0xbb, 5, 3, 1, 2, 0xcc, 6, 0, 0x77];
        let mut input = reader(&bytes, true);
        let mut seen = Vec::new();
        let mut read = |tag, field: &mut Reader| {
            if tag == 5 {
                seen.push(field.i16()?);
            }
            Ok(())
        };
        assert_eq!(input.known_tags(&mut read), Ok(()));
        assert_eq!((seen, input.i8()), (vec![0x0102], Ok(0x77)));

        let mut fixed = reader(&bytes, false);
        assert_eq!(fixed.tags(), Ok(()));
        assert_eq!(fixed.remaining(), bytes.len());
    }

    #[test]
    fn a_tagged_field_cannot_read_behind_its_end() {
        let mut input = reader(&[1, 5, 1, 0xaa, 0xbb, 0xcc], true);
        let error = input.known_tags(|_, field| field.i16().map(drop));
        assert_eq!(error, Err(DecodeError::Truncated { missing: 1 }));
    }

    #[test]
    fn a_string_too_long_for_its_length_is_cut_between_characters() {
        let mut out = Writer::new();
        out.string(&"ü".repeat(20_000));
        assert_eq!(reader(&out.into_bytes(), false).string(), Ok("ü".repeat(16_383)));

        let mut out = Writer::new();
        out.set_flexible(true);
        out.string(&"ü".repeat(20_000));
        assert_eq!(reader(&out.into_bytes(), true).string(), Ok("ü".repeat(20_000)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            flexible: bool,
            varint: u32,
            text: Option<String>,
            bytes: Option<Vec<u8>>,
            numbers: Vec<i32>,
            texts: Vec<String>,
        ) {
            let bytes = bytes.map(Bytes::from);
            let mut out = Writer::new();
            out.set_flexible(flexible);
            out.unsigned_varint(varint);
            out.nullable_string(&text);
            out.nullable_bytes(&bytes);
            out.sized(|out| out.i32s(&numbers));
            out.strings(&texts);

            let mut input = reader(&out.into_bytes(), flexible);
            prop_assert_eq!(input.unsigned_varint(), Ok(varint));
            prop_assert_eq!(input.nullable_string(), Ok(text));
            prop_assert_eq!(input.nullable_bytes(), Ok(bytes));
            let size = usize::try_from(input.i32().unwrap()).unwrap();
            let behind = input.remaining() - size;
            prop_assert_eq!(input.i32s(), Ok(numbers));
            prop_assert_eq!(input.remaining(), behind);
            prop_assert_eq!(input.strings(), Ok(texts));
            prop_assert_eq!(input.remaining(), 0);
        }
    }
}
