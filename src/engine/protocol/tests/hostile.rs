//! Broken and hostile responses: whatever arrives, a decoder returns, and holds no more than a small multiple of what it
//! was given.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::engine::testing::allocation::peak_of;

use super::*;

/// Decodes and checks how much memory that took.
fn decode(key: ApiKey, version: i16, body: Bytes) -> Result<Response, DecodeError> {
    let size = body.len();
    let (result, peak) = peak_of(|| Response::decode(key, version, body));
    assert!(peak < 32 * size + 4096, "{key:?} v{version}: {peak} bytes held for a response of {size}");
    result
}

#[test]
fn every_cut_response_is_an_error() {
    for Sample { key, version, body, .. } in all_samples() {
        for end in 0..body.len() {
            let result = decode(key, version, body.slice(..end));
            assert!(result.is_err(), "{key:?} v{version} cut to {end} of {} bytes: {result:?}", body.len());
        }
    }
}

#[test]
fn hostile_lengths_at_every_position() {
    let hostile: &[&[u8]] = &[
        &i32::MAX.to_be_bytes(),
        &i32::MIN.to_be_bytes(),
        &(-1i32).to_be_bytes(),
        &(-2i32).to_be_bytes(),
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0xff, 0xff, 0xff, 0xff, 0x7f],
        &[0xff; 6],
    ];
    for Sample { key, version, body, .. } in all_samples() {
        for at in 0..body.len() {
            for value in hostile {
                let mut broken = body.to_vec();
                let end = broken.len().min(at + value.len());
                broken.splice(at..end, value.iter().copied());
                let _ = decode(key, version, broken.into());
            }
        }
    }
}

#[test]
fn flipped_bits() {
    let mut rng = fastrand::Rng::with_seed(0x6b61_666b_6172_7300);
    for Sample { key, version, body, .. } in all_samples() {
        for _ in 0..200 {
            let mut broken = body.to_vec();
            for _ in 0..rng.usize(1..=4) {
                let at = rng.usize(..broken.len());
                broken[at] ^= 1 << rng.u8(..8);
            }
            let _ = decode(key, version, broken.into());
        }
    }
}

/// Counts that the rest of the frame can just about hold, as many of the smallest elements as possible: what makes
/// the ratio of memory to input worst.
#[test]
fn many_smallest_elements() {
    const TAIL: usize = 8 << 10;
    // The highest version in either spelling.
    let samples: HashMap<_, _> =
        samples(Fill::Full).map(|s| ((s.key, s.key.is_flexible(s.version)), s)).collect();
    for ((key, flexible), Sample { version, body, .. }) in samples {
        for at in 0..body.len() {
            for element_size in [1, 3, 4, 7, 12, 24] {
                for filler in [0, 1, 2] {
                    let count = u32::try_from(TAIL / element_size).unwrap();
                    let mut out = Writer::new();
                    if flexible {
                        out.unsigned_varint(count + 1)
                    } else {
                        out.i32(count.cast_signed())
                    }
                    let mut hostile = [&body[..at], &out.into_bytes()].concat();
                    hostile.resize(at + TAIL, filler);
                    let _ = decode(key, version, hostile.into());
                }
            }
        }
    }
}

/// 15 bytes that once made a decoder reserve 206 GB.
#[test]
fn a_tiny_fetch_response_with_a_huge_count() {
    let body = [
        &[0, 0, 0, 0][..],               // throttle
        &[0, 0],                         // error
        &[0, 0, 0, 0],                   // session
        &[0xff, 0xff, 0xff, 0xff, 0x0f], // 4,294,967,294 topics
    ]
    .concat();
    assert_eq!(body.len(), 15);
    let error = decode(ApiKey::Fetch, 17, body.into()).unwrap_err();
    assert_eq!(error, DecodeError::Invalid { what: "array count", value: 4_294_967_294 });
}

fn any_api() -> impl Strategy<Value = (ApiKey, i16)> {
    proptest::sample::select(ApiKey::ALL)
        .prop_flat_map(|key| (Just(key), key.versions().min..=key.versions().max))
}

proptest! {
    #[test]
    fn random_bytes((key, version) in any_api(), body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(key, version, body.into());
    }

    #[test]
    fn random_response_headers((key, version) in any_api(), frame in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = decode_response_header(key, version, frame.into());
    }

    #[test]
    fn random_member_bytes(version in -1i16..6, tail in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from([&version.to_be_bytes()[..], &tail].concat());
        let size = bytes.len();
        let (_, peak) = peak_of(|| (Subscription::decode(bytes.clone()), Assignment::decode(bytes)));
        prop_assert!(peak < 32 * size + 4096);
    }
}
