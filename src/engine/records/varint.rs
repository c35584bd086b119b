//! The integers of records: base-128 varints, zigzag for the sign.

/// A place in a slice, from which to read on. Every method answers `None` when the bytes end early or are no varint;
/// where the cursor stands then is of no meaning.
///
/// It moves by an index and its cold path takes no reference to it, so that it lives in registers. The index has 32 bits,
/// as has what becomes of it in a delivery: what is read comes out of one response, whose size is an i32.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: u32,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    #[inline(always)]
    pub(super) fn starting_at(bytes: &'a [u8], at: u32) -> Cursor<'a> {
        Cursor { bytes, at }
    }

    /// Where it stands; beyond the end after skipping too much.
    #[inline(always)]
    pub(super) fn at(&self) -> u32 {
        self.at
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at as usize..).unwrap_or_default()
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at as usize)
    }

    /// An i32 in 1 to 5 bytes.
    #[inline(always)]
    pub(super) fn varint(&mut self) -> Option<i32> {
        let low = *self.bytes.get(self.at as usize)?;
        if low < 0x80 {
            self.at += 1;
            return Some(unzigzag(u32::from(low)));
        }
        let high = *self.bytes.get(self.at as usize + 1)?;
        if high < 0x80 {
            self.at += 2;
            return Some(unzigzag(u32::from(low & 0x7f) | u32::from(high) << 7));
        }
        let (raw, end) = long(self.bytes, self.at)?;
        self.at = end;
        Some(unzigzag(u32::try_from(raw).ok()?))
    }

    /// An i64 in 1 to 10 bytes.
    #[inline(always)]
    pub(super) fn varlong(&mut self) -> Option<i64> {
        let low = *self.bytes.get(self.at as usize)?;
        if low < 0x80 {
            self.at += 1;
            return Some(i64::from(unzigzag(u32::from(low))));
        }
        let high = *self.bytes.get(self.at as usize + 1)?;
        if high < 0x80 {
            self.at += 2;
            return Some(i64::from(unzigzag(u32::from(low & 0x7f) | u32::from(high) << 7)));
        }
        let (raw, end) = long(self.bytes, self.at)?;
        self.at = end;
        Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// Passes over bytes that need not be there: whatever is read next finds out.
    #[inline(always)]
    pub(super) fn skip(&mut self, length: u32) {
        self.at = self.at.saturating_add(length);
    }

    /// The next `length` bytes.
    #[inline(always)]
    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(u32::try_from(length).ok()?)?;
        let bytes = self.bytes.get(self.at as usize..end as usize)?;
        self.at = end;
        Some(bytes)
    }

    /// The bytes of a fixed integer.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = self.bytes.get(self.at as usize..)?.first_chunk()?;
        self.at = self.at.checked_add(u32::try_from(N).ok()?)?;
        Some(*array)
    }
}

/// Any varint and where it ends.
#[inline(never)]
fn long(bytes: &[u8], at: u32) -> Option<(u64, u32)> {
    let mut value = 0u64;
    for (n, byte) in (0u32..10).zip(bytes.get(at as usize..)?) {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * n;
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some((value, at + n + 1));
        }
    }
    None
}

#[inline(always)]
fn unzigzag(raw: u32) -> i32 {
    (raw >> 1).cast_signed() ^ -(raw & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::encode::put_varint;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_i64_comes_back(value: i64, tail: [u8; 3]) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            bytes.extend_from_slice(&tail);
            let mut cursor = Cursor::new(&bytes);
            prop_assert_eq!(cursor.varlong(), Some(value));
            prop_assert_eq!(cursor.rest(), tail);
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
