//! The integers of records: base-128 varints, zigzag for the sign.

/// Reads from the front of a slice. Every method answers `None` when the bytes end early or are no varint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes }
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// An i32 in 1 to 5 bytes.
    #[inline(always)]
    pub(super) fn varint(&mut self) -> Option<i32> {
        match self.rest {
            [low, rest @ ..] if *low < 0x80 => {
                self.rest = rest;
                Some(unzigzag(u32::from(*low)))
            }
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                Some(unzigzag(u32::from(*low & 0x7f) | u32::from(*high) << 7))
            }
            _ => Some(unzigzag(u32::try_from(self.long()?).ok()?)),
        }
    }

    /// An i64 in 1 to 10 bytes.
    #[inline(always)]
    pub(super) fn varlong(&mut self) -> Option<i64> {
        let raw = match self.rest {
            [low, rest @ ..] if *low < 0x80 => {
                self.rest = rest;
                u64::from(*low)
            }
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                u64::from(*low & 0x7f) | u64::from(*high) << 7
            }
            _ => self.long()?,
        };
        Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// The next `length` bytes.
    #[inline(always)]
    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    /// A big-endian integer of the message sets that came before varints.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    /// Any varint; cold, for three bytes and more are rare.
    #[cold]
    fn long(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for (n, byte) in self.rest.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            let shift = 7 * n;
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(n + 1..)?;
                return Some(value);
            }
        }
        None
    }
}

#[inline(always)]
fn unzigzag(raw: u32) -> i32 {
    (raw >> 1).cast_signed() ^ -(raw & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::records::tests::encode::put_varint;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_i64_comes_back(value: i64, tail: [u8; 3]) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            bytes.extend_from_slice(&tail);
            let mut cursor = Cursor::new(&bytes);
            prop_assert_eq!(cursor.varlong(), Some(value));
            prop_assert_eq!(cursor.remaining(), 3);
        }

        #[test]
        fn every_i32_comes_back_and_no_other(value in prop_oneof![any::<i64>(), -70_000..70_000i64]) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert_eq!(Cursor::new(&bytes).varint(), i32::try_from(value).ok());
        }

        #[test]
        fn a_cut_varint_is_refused(value: i64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            bytes.pop();
            prop_assert_eq!(Cursor::new(&bytes).varlong(), None);
        }
    }

    #[test]
    fn a_varint_without_end_is_refused() {
        assert_eq!(Cursor::new(&[0xff; 20]).varlong(), None);
        assert_eq!(Cursor::new(&[0xff; 20]).varint(), None);
        // 10 bytes, but more than 64 bits
        assert_eq!(
            Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).varlong(),
            None
        );
    }
}
