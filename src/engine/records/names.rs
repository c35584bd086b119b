//! Header names of one delivery: each is listed once, so that JavaScript makes each string once.

use super::layout::int;

/// Names by id. They are ranges of the slab; nothing is copied.
#[derive(Debug, Default)]
pub(super) struct NameTable {
    /// Position and length of each name.
    names: Vec<[i32; 2]>,
    /// By place in the record, the name that the previous record had there: mostly the right guess.
    previous: Vec<Guess>,
    /// Hash table of ids (plus one; 0 is free) with [`PROBES`] places for each hash.
    slots: Vec<u16>,
}

#[derive(Debug, Clone, Copy)]
struct Guess {
    position: u32,
    length: usize,
    id: i32,
}

impl NameTable {
    pub(super) fn clear(&mut self) {
        // names may have been truncated away; guesses stay
        if !self.previous.is_empty() {
            self.names.clear();
            self.previous.clear();
            self.slots.fill(0);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn rows(&self) -> &[[i32; 2]] {
        &self.names
    }

    /// Forgets all names from `len` on. Only before [`NameTable::clear`]: their hash slots stay.
    pub(super) fn truncate(&mut self, len: usize) {
        self.names.truncate(len);
    }

    /// The id of the `nth` name of a record, which lies at `position` of the slab.
    #[inline]
    pub(super) fn intern(&mut self, slab: &[u8], nth: usize, position: u32, name: &[u8]) -> i32 {
        if let Some(guess) = self.previous.get(nth)
            && guess.length == name.len()
            && let Some(guessed) = slab.get(guess.position as usize..)
            && let Some(guessed) = guessed.get(..guess.length)
            && is_same(guessed, name)
        {
            return guess.id;
        }
        let id = self.find_or_add(slab, position, name);
        let guess = Guess { position, length: name.len(), id };
        if let Some(previous) = self.previous.get_mut(nth) {
            *previous = guess;
        } else if nth < REMEMBERED {
            self.previous.push(guess);
        }
        id
    }

    fn is(&self, slab: &[u8], id: i32, name: &[u8]) -> bool {
        let Some([position, length]) = usize::try_from(id).ok().and_then(|id| self.names.get(id)) else {
            return false;
        };
        let (Ok(start), Ok(length)) = (usize::try_from(*position), usize::try_from(*length)) else {
            return false;
        };
        length == name.len() && slab.get(start..start + length) == Some(name)
    }

    fn find_or_add(&mut self, slab: &[u8], position: u32, name: &[u8]) -> i32 {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS + PROBES, 0);
        }
        let new = self.names.len();
        let bucket = hash(name);
        for at in bucket..bucket + PROBES {
            match self.slots.get(at).copied() {
                Some(0) => {
                    if let (Some(slot), Ok(entry)) = (self.slots.get_mut(at), u16::try_from(new + 1)) {
                        *slot = entry;
                    }
                    break;
                }
                Some(entry) => {
                    let id = i32::from(entry) - 1;
                    if self.is(slab, id, name) {
                        return id;
                    }
                }
                None => break,
            }
        }
        // All places that this hash may have are taken. The name is listed a second time, which costs JavaScript a further string and
        // is not wrong.
        self.names.push([position.cast_signed(), int(name.len())]);
        int(new)
    }
}

/// Are two names of the same length equal? Names are short: two words that may overlap beat a call of `memcmp`.
#[inline]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        4..=7 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        _ => a == b,
    }
}

/// From the length and both ends of the name: names mostly differ there, and long ones cost no more than short ones.
fn hash(name: &[u8]) -> usize {
    let head = name.iter().take(8).fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let tail = name.iter().rev().take(8).fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let mixed = (head ^ tail.rotate_left(29) ^ (name.len() as u64).rotate_left(47))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // the upper bits are the well mixed ones
    usize::try_from(mixed >> (64 - SLOTS.ilog2())).unwrap_or(0)
}

/// Places in the hash table. Enough for the few dozen names that real topics have.
const SLOTS: usize = 256;
/// Places tried for a name.
const PROBES: usize = 8;
/// Headers of a record that the first guess covers.
const REMEMBERED: usize = 64;

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intern_all(names: &[Vec<u8>], per_record: usize) -> (NameTable, Vec<i32>, Vec<u8>) {
        let slab: Vec<u8> = names.concat();
        let mut table = NameTable::default();
        let mut at = 0;
        let ids = names
            .iter()
            .enumerate()
            .map(|(n, name)| {
                at += name.len();
                table.intern(&slab, n % per_record, (at - name.len()) as u32, name)
            })
            .collect();
        (table, ids, slab)
    }

    proptest! {
        #[test]
        fn an_id_leads_to_its_name_and_few_names_are_listed_once(
            names in prop::collection::vec(prop::collection::vec(b'a'..b'd', 0..3), 0..200),
            per_record in 1usize..5,
        ) {
            let (table, ids, slab) = intern_all(&names, per_record);
            for (name, id) in names.iter().zip(ids) {
                prop_assert!(table.is(&slab, id, name));
            }
            let distinct: std::collections::HashSet<_> = names.iter().collect();
            prop_assert_eq!(table.len(), distinct.len());
        }
    }

    proptest! {
        #[test]
        fn short_names_are_compared_whole(mut name in prop::collection::vec(any::<u8>(), 1..20), at: prop::sample::Index) {
            let same = name.clone();
            prop_assert!(is_same(&name, &same));
            *at.get_mut(name.as_mut_slice()) ^= 1;
            prop_assert!(!is_same(&name, &same));
        }
    }

    #[test]
    fn thousands_of_names_are_all_found() {
        let names: Vec<Vec<u8>> = (0..100_000).map(|n| format!("header-{n}").into_bytes()).collect();
        let (table, ids, slab) = intern_all(&names, 7);
        assert!(names.iter().zip(ids).all(|(name, id)| table.is(&slab, id, name)));
    }

    #[test]
    fn a_cleared_table_knows_nothing_truncated_before_or_not() {
        for kept in 0..=2 {
            let (mut table, _, _) = intern_all(&[b"a".to_vec(), b"b".to_vec()], 1);
            table.truncate(kept);
            table.clear();
            assert_eq!(table.intern(b"bbb", 0, 2, b"b"), 0);
            assert_eq!(table.rows(), [[2, 1]]);
        }
    }
}
