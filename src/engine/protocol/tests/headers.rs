//! Headers and golden frames.

use super::*;

#[test]
fn response_headers_are_read_in_every_version() {
    for sample in all_samples() {
        let Sample { key, version, .. } = sample;
        // One that they do not know is flexible from its beginning.
        let their_key = kafka_protocol::messages::ApiKey::try_from(key.code()).ok();
        let header_version = their_key.map_or(1, |their_key| their_key.response_header_version(version));
        // An unknown tagged field, where there can be one.
        let tag = (header_version >= 1).then(|| (7, Bytes::from_static(b"later")));
        let mut frame = BytesMut::new();
        ResponseHeader::default()
            .with_correlation_id(-5)
            .with_unknown_tagged_fields(tag.into_iter().collect())
            .encode(&mut frame, header_version)
            .unwrap();
        frame.extend_from_slice(&sample.body);

        let (correlation_id, body) = decode_response_header(key, version, frame.freeze()).unwrap();
        assert_eq!(correlation_id, -5);
        assert_eq!(body, sample.body, "{key:?} v{version}");
    }
}

#[test]
fn a_cut_response_header_is_an_error() {
    let frame = Bytes::from_static(&[0, 0, 0, 1, 1, 7, 5]);
    let error = decode_response_header(ApiKey::Heartbeat, 4, frame).unwrap_err();
    assert_eq!(error, DecodeError::Truncated { missing: 5 });
    assert!(decode_response_header(ApiKey::Heartbeat, 0, Bytes::from_static(&[0, 0, 1])).is_err());
}

#[test]
fn golden_fixed_frame() {
    let request = heartbeat::HeartbeatRequest {
        group_id: "g".into(),
        generation_id: 258,
        member_id: "m1".into(),
        group_instance_id: None,
    };
    let expected: &[&[u8]] = &[
        &[0, 0, 0, 25],
        &[0, 12, 0, 3, 0, 0, 0, 9, 0, 2, b'm', b'e'], // key, version, correlation id, client id
        &[0, 1, b'g', 0, 0, 1, 2, 0, 2, b'm', b'1', 0xff, 0xff],
    ];
    assert_eq!(encode_frame(&request.into(), 3, 9, "me"), expected.concat());
}

#[test]
fn golden_flexible_frame() {
    let request = api_versions::ApiVersionsRequest {
        client_software_name: "kafkars".into(),
        client_software_version: "2".into(),
    };
    let expected: &[&[u8]] = &[
        &[0, 0, 0, 24],
        &[0, 18, 0, 3, 0, 0, 0, 1, 0, 2, b'm', b'e', 0], // the client id keeps its two-byte length
        &[8, b'k', b'a', b'f', b'k', b'a', b'r', b's', 2, b'2', 0],
    ];
    assert_eq!(encode_frame(&request.into(), 3, 1, "me"), expected.concat());
}

#[test]
fn a_client_id_without_end_still_makes_a_frame() {
    let frame = encode_frame(&heartbeat::HeartbeatRequest::default().into(), 0, 1, &"ü".repeat(40_000));
    let mut body = frame_body(&frame);
    let header = RequestHeader::decode(&mut body, 1).unwrap();
    // 32,767 bytes end in the middle of a character.
    assert_eq!(header.client_id.unwrap().len(), 32_766);
}
