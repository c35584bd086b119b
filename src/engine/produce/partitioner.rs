//! Which partition a message goes to: kafkajs's partitioners. By the hash of the key, else in turn over the partitions that
//! have a leader.
//!
//! They differ in the hash. [`Partitioner::Default`] is Java's murmur2; [`Partitioner::Legacy`] is what kafkajs 1 computed,
//! rounding errors included, for programs whose data is laid out by it. A partitioner of the user's is asked in JavaScript,
//! before the hand-over.

/// One of kafkajs's partitioners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Partitioner {
    /// DefaultPartitioner, also called JavaCompatiblePartitioner.
    #[default]
    Default,
    /// LegacyPartitioner.
    Legacy,
}

/// The partitions of a topic.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// How many there are.
    pub count: u32,
    /// Those that have a leader, in order.
    pub available: &'a [i32],
}

impl Partitioner {
    /// The partition for a message with this key. `turn` counts the messages of the topic that have none.
    pub fn partition(self, key: Option<&[u8]>, choice: Choice<'_>, turn: &mut u32) -> i32 {
        let modulo = |value: u32| i32::try_from(value % choice.count.max(1)).unwrap_or(0);
        match key {
            Some(key) => modulo(self.hash(key).cast_unsigned() & POSITIVE),
            None => {
                *turn = turn.wrapping_add(1);
                let turn = *turn & POSITIVE;
                match u32::try_from(choice.available.len()) {
                    Ok(available @ 1..) => {
                        let nth = usize::try_from(turn % available).unwrap_or(0);
                        choice.available.get(nth).copied().unwrap_or(0)
                    }
                    _ => modulo(turn),
                }
            }
        }
    }

    fn hash(self, key: &[u8]) -> i32 {
        match self {
            Partitioner::Default => murmur2(key),
            Partitioner::Legacy => legacy_murmur2(key),
        }
    }
}

/// As Java's client.
fn murmur2(key: &[u8]) -> i32 {
    let mut hash = SEED ^ length(key);
    let (words, tail) = key.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(M);
        word ^= word >> 24;
        hash = hash.wrapping_mul(M) ^ word.wrapping_mul(M);
    }
    if !tail.is_empty() {
        hash = (hash ^ little_endian(tail)).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    (hash ^ hash >> 15).cast_signed()
}

/// As kafkajs 1: it multiplies in floating point, which loses the low bits, and reads the last, incomplete word twice.
fn legacy_murmur2(key: &[u8]) -> i32 {
    let m = f64::from(M);
    let shifted = |value: f64, by: u32| int(value) ^ (int(value).cast_unsigned() >> by).cast_signed();
    let mut hash = (SEED ^ length(key)).cast_signed();
    for word in key.chunks(4) {
        let value = f64::from(little_endian(word).cast_signed());
        let word = shifted(value * m, 24);
        hash = int(f64::from(hash) * m) ^ int(f64::from(word) * m);
    }
    let (_, tail) = key.as_chunks::<4>();
    let mut hash = f64::from(hash);
    if !tail.is_empty() {
        hash = f64::from(int(hash) ^ little_endian(tail).cast_signed()) * m;
    }
    hash = f64::from(shifted(hash, 13)) * m;
    shifted(hash, 15)
}

/// What JavaScript's bit operators make of a number: its integer part modulo 2³².
fn int(value: f64) -> i32 {
    const TWO_32: f64 = 4_294_967_296.0;
    #[expect(clippy::cast_possible_truncation, reason = "less than 2^32 of either sign")]
    let wrapped = (value.trunc() % TWO_32) as i64;
    let [a, b, c, d, ..] = wrapped.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn length(key: &[u8]) -> u32 {
    u32::try_from(key.len()).unwrap_or(u32::MAX)
}

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const POSITIVE: u32 = 0x7fff_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    /// Java's and kafkajs's own vectors, and what `src/producer/partitioners.js` makes of longer ones.
    #[test]
    fn hashes_are_those_of_kafkajs() {
        for (key, default, legacy) in [
            ("0", 971027396, 272173970),
            ("1", -1993445489, 1311020360),
            ("128", -326012175, 2053105854),
            ("100:48069", 1009543857, 1713501762),
            ("2187", -1508407203, -2081355488),
            ("", 275646681, 275646684),
            ("a", -1563381124, -809885833),
            ("ab", 316155434, -1686076413),
            ("abc", 479470107, 1545667907),
            ("abcd", -1323649548, -2139815384),
            ("abcde", 461995741, 1468550417),
            ("ü€😀", -1727201672, 1567492189),
            ("the quick brown fox jumps over the lazy dog", -890066680, -1943423407),
            ("ÿþýüû", 1340176785, 506719335),
            ("2f6e8c0a-54d3-4e27-9a4c-51b1f5f0a1b2", -1837026192, 671088640),
            ("~~~~~~~", -1985400657, -1814404042),
            (
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                1782836068,
                -293442809,
            ),
        ] {
            assert_eq!(murmur2(key.as_bytes()), default, "{key:?}");
            assert_eq!(legacy_murmur2(key.as_bytes()), legacy, "{key:?}");
        }
    }

    #[test]
    fn a_key_has_its_partition_and_the_others_take_turns() {
        let choice = Choice { count: 12, available: &[1, 4, 7] };
        let partitioner = Partitioner::Default;
        let mut turn = u32::MAX - 1;
        assert_eq!(partitioner.partition(Some(b"100:48069"), choice, &mut turn), 9, "available or not");
        let turns: Vec<i32> = (0..5).map(|_| partitioner.partition(None, choice, &mut turn)).collect();
        assert_eq!(turns, [4, 1, 4, 7, 1], "2^31 - 1, 0, 1, 2, 3");
        let nobody = Choice { count: 12, available: &[] };
        assert_eq!(partitioner.partition(None, nobody, &mut turn), 4);
        assert_eq!(partitioner.partition(None, Choice { count: 0, available: &[] }, &mut turn), 0);
    }
}
