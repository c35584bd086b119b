//! What handlers that run beside each other have finished beyond the resolved offset, and how a commit remembers it.
//!
//! A commit is one number: everything before it is finished. When messages of a partition end out of order, some behind that
//! number are finished too, and a restart would repeat them. So they are written into the commit's metadata, and whoever is
//! assigned the partition next leaves them out:
//!
//! ```text
//!            committed: 3                    kafkars:1:3:r…   runs: unfinished, finished, unfinished, finished …
//!  ───■──■──■──□──■──■──□──■──►              kafkars:1:3:b…   or a bit for each offset, whichever is shorter
//!     0  1  2  3  4  5  6  7
//! ```
//!
//! A digit has six bits. A number of the runs has five in each digit, lowest first; the sixth says that more follow. The number behind
//! the version is the offset that it was committed with: metadata that somebody has kept with another offset says nothing.

use std::fmt::Write as _;

/// Offsets, `from..to`.
pub type Range = (i64, i64);

/// Finished offsets beyond the resolved one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Finished {
    /// In order, with gaps between them, none empty.
    ranges: Vec<Range>,
}

impl Finished {
    /// These, in any order. What is empty or negative is left out.
    pub(super) fn of(ranges: impl IntoIterator<Item = Range>) -> Finished {
        let mut given: Vec<Range> = ranges.into_iter().filter(|(from, to)| 0 <= *from && from < to).collect();
        given.sort_unstable();
        let mut ranges: Vec<Range> = Vec::with_capacity(given.len());
        for (from, to) in given {
            match ranges.last_mut().filter(|last| from <= last.1) {
                Some(last) => last.1 = last.1.max(to),
                None => ranges.push((from, to)),
            }
        }
        Finished { ranges }
    }

    pub(super) fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.ranges.clear();
    }

    /// What was finished before `end` is this by now. What is known of offsets from `end` on stays.
    pub(super) fn replace_before(&mut self, end: i64, ranges: Vec<Range>) {
        let beyond = self.ranges.iter().map(|(from, to)| ((*from).max(end), *to));
        *self = Finished::of(ranges.into_iter().chain(beyond.collect::<Vec<_>>()));
    }

    /// For the metadata of a commit of `base`, at most `limit` bytes: what does not fit is left out from the end. None when there is
    /// nothing to say.
    pub(super) fn encode(&self, base: i64, limit: usize) -> Option<String> {
        let beyond = self.ranges.iter().map(|(from, to)| ((*from).max(base), *to));
        let beyond: Vec<Range> = beyond.filter(|(from, to)| from < to).collect();
        let last = beyond.last()?.1;
        let mut head = String::new();
        write!(head, "{PREFIX}{base}:").ok()?;
        let room = limit.checked_sub(head.len() + 1)?;
        let (runs, is_whole) = runs(base, &beyond, room);
        let bits = bits(base, last, &beyond, room);
        let (kind, digits) = match bits {
            Some(bits) if !is_whole || bits.len() < runs.len() => ('b', bits),
            _ if runs.is_empty() => return None,
            _ => ('r', runs),
        };
        head.push(kind);
        head.push_str(&digits);
        Some(head)
    }

    /// From the metadata of a commit of `base`. Anybody may have written it: what is not ours, or of another version, says nothing.
    pub(super) fn decode(metadata: &str, base: i64) -> Finished {
        read(metadata, base).map_or_else(Finished::default, Finished::of)
    }
}

/// Have we written this?
pub(super) fn is_note(metadata: &str) -> bool {
    metadata.starts_with(PREFIX)
}

/// Is it the whole of it?
fn runs(base: i64, beyond: &[Range], room: usize) -> (String, bool) {
    let mut digits = String::new();
    let mut at = base;
    for (from, to) in beyond {
        let whole = digits.len();
        put(&mut digits, from.abs_diff(at));
        put(&mut digits, to.abs_diff(*from));
        at = *to;
        if digits.len() > room {
            digits.truncate(whole);
            return (digits, false);
        }
    }
    (digits, true)
}

/// None: they do not fit.
fn bits(base: i64, last: i64, beyond: &[Range], room: usize) -> Option<String> {
    let count = usize::try_from(last.abs_diff(base).div_ceil(6)).ok().filter(|count| *count <= room)?;
    let mut digits = vec![0u8; count];
    for (from, to) in beyond {
        for offset in *from..*to {
            let at = usize::try_from(offset.abs_diff(base)).ok()?;
            *digits.get_mut(at / 6)? |= 1 << (at % 6);
        }
    }
    Some(digits.into_iter().map(digit).collect())
}

fn put(digits: &mut String, mut number: u64) {
    loop {
        let low = (number & 31) as u8;
        number >>= 5;
        let more = if number > 0 { 32 } else { 0 };
        digits.push(digit(low | more));
        if number == 0 {
            return;
        }
    }
}

fn read(metadata: &str, base: i64) -> Option<Vec<Range>> {
    // Brokers keep 4096 bytes unless they are told otherwise; nobody's metadata may cost more than it is worth.
    let rest = metadata.strip_prefix(PREFIX).filter(|_| metadata.len() <= MOST_READ)?;
    let (offset, rest) = rest.split_once(':')?;
    if offset.parse() != Ok(base) {
        return None;
    }
    let kind = rest.chars().next()?;
    let digits: Vec<u8> = rest.bytes().skip(1).map(value).collect::<Option<_>>()?;
    match kind {
        'r' => read_runs(&digits, base),
        'b' => Some(read_bits(&digits, base)),
        _ => None,
    }
}

fn read_runs(digits: &[u8], base: i64) -> Option<Vec<Range>> {
    let mut numbers = Vec::new();
    let (mut number, mut shift) = (0i64, 0u32);
    for digit in digits {
        let low = i64::from(digit & 31);
        if shift > 55 {
            return None;
        }
        number |= low << shift;
        shift += 5;
        if digit & 32 == 0 {
            numbers.push(number);
            (number, shift) = (0, 0);
        }
    }
    let mut at = base;
    let mut ranges = Vec::new();
    for run in numbers.chunks_exact(2) {
        let &[gap, length] = run else { continue };
        let from = at.checked_add(gap)?;
        at = from.checked_add(length)?;
        ranges.push((from, at));
    }
    Some(ranges)
}

fn read_bits(digits: &[u8], base: i64) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    let bits = digits.iter().flat_map(|digit| (0..6).map(move |bit| digit & (1 << bit) != 0));
    for (offset, _) in (base..i64::MAX).zip(bits).filter(|(_, is_finished)| *is_finished) {
        match ranges.last_mut().filter(|last| last.1 == offset) {
            Some(last) => last.1 = offset + 1,
            None => ranges.push((offset, offset.saturating_add(1))),
        }
    }
    ranges
}

fn digit(value: u8) -> char {
    DIGITS.get(usize::from(value)).map_or('-', |digit| char::from(*digit))
}

fn value(digit: u8) -> Option<u8> {
    let at = DIGITS.iter().position(|known| *known == digit)?;
    u8::try_from(at).ok()
}

/// The version is part of it: what another one means, we do not know.
const PREFIX: &str = "kafkars:1:";
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// `offset.metadata.max.bytes` of brokers is 4096, unless it is set.
pub(super) const NOTE_LIMIT: usize = 4_000;
const MOST_READ: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn round(ranges: &[Range], base: i64) -> Vec<Range> {
        let note = Finished::of(ranges.to_vec()).encode(base, NOTE_LIMIT).unwrap_or_default();
        assert!(note.len() <= NOTE_LIMIT);
        Finished::decode(&note, base).ranges
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(round(&[(4, 6), (7, 8)], 3), [(4, 6), (7, 8)]);
        let far = (1 << 40, (1 << 40) + 3);
        assert_eq!(round(&[far], 3), [far]);
        assert_eq!(round(&[(i64::MAX - 4, i64::MAX)], i64::MAX - 9), [(i64::MAX - 4, i64::MAX)]);
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let base = rng.i64(0..1 << 50);
            let density = rng.u8(1..10);
            let finished = (base..base + 16_384).filter(|_| rng.u8(0..10) < density);
            let all = Finished::of(finished.map(|offset| (offset, offset + 1)).collect::<Vec<_>>());
            assert_eq!(round(&all.ranges, base), all.ranges);
        }
    }

    #[test]
    fn what_lies_before_the_commit_is_left_out() {
        assert_eq!(round(&[(1, 2), (3, 8)], 5), [(5, 8)]);
        assert_eq!(Finished::of([(1, 2)]).encode(5, NOTE_LIMIT), None);
        assert_eq!(Finished::default().encode(5, NOTE_LIMIT), None);
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_the_end() {
        let sparse: Vec<Range> = (0..3_000).map(|n| (n * 100_000 + 50_000, n * 100_000 + 50_001)).collect();
        let read = round(&sparse, 0);
        assert!(!read.is_empty() && read.len() < sparse.len());
        assert_eq!(read, sparse[..read.len()]);
        assert_eq!(Finished::of([(4, 6)]).encode(3, 10), None);
    }

    #[test]
    fn metadata_of_others_says_nothing() {
        let note = Finished::of([(4, 6)]).encode(3, NOTE_LIMIT).unwrap_or_default();
        let foreign =
            ["", "note", "kafkars:2:3:rBC", "kafkars:1:", "kafkars:1:3:", "kafkars:1:3:x", "kafkars:1:3:rä"];
        for metadata in foreign {
            assert!(Finished::decode(metadata, 3).is_empty(), "{metadata}");
        }
        assert!(Finished::decode(&note, 4).is_empty());
        assert!(!Finished::decode(&note, 3).is_empty());
    }

    #[test]
    fn bytes_of_a_peer_neither_panic_nor_become_negative() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..5_000 {
            let kind = if rng.bool() { 'r' } else { 'b' };
            let digits: String = (0..rng.usize(0..40)).map(|_| digit(rng.u8(0..64))).collect();
            let base = if rng.bool() { i64::MAX - 3 } else { 7 };
            let read = Finished::decode(&format!("kafkars:1:{base}:{kind}{digits}"), base);
            assert!(read.ranges.iter().all(|(from, to)| base <= *from && from < to));
        }
    }

    #[test]
    fn what_lies_behind_the_window_stays() {
        let mut finished = Finished::of([(4, 6), (9, 14), (20, 22)]);
        finished.replace_before(12, vec![(5, 8)]);
        assert_eq!(finished.ranges, [(5, 8), (12, 14), (20, 22)]);
    }
}
