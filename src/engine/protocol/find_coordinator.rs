//! FindCoordinator (key 10): which brokers coordinate groups or transactions.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 1 = key type, 4 = several keys (KIP-699).
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 6 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 3;

/// What a coordinator coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(i8)]
pub enum KeyType {
    /// The key is a group id.
    #[default]
    Group = 0,
    /// The key is a transactional id (v1).
    Transaction = 1,
}

/// FindCoordinator request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FindCoordinatorRequest {
    /// What the keys are. Version 0 knows groups only.
    pub key_type: KeyType,
    /// Whose coordinators. Before v4 exactly one, see [`FindCoordinatorRequest::min_version`].
    pub keys: Vec<String>,
}

/// FindCoordinator response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FindCoordinatorResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// One for each key. Before v4 exactly one, with an empty key.
    pub coordinators: Vec<FoundCoordinator>,
}

/// The coordinator of one key, or why there is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundCoordinator {
    /// Whose coordinator it is (v4); empty in older versions.
    pub key: String,
    /// The result.
    pub error: ErrorCode,
    /// The broker's words (v1).
    pub error_message: Option<String>,
    /// The coordinator.
    pub node_id: i32,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: i32,
}

impl FindCoordinatorRequest {
    /// Asks for the coordinator of one group.
    pub fn of_group(group_id: &str) -> FindCoordinatorRequest {
        FindCoordinatorRequest { key_type: KeyType::Group, keys: vec![group_id.to_owned()] }
    }

    /// The lowest version that can carry this request: several keys need v4, a transaction v1.
    pub fn min_version(&self) -> i16 {
        match self.key_type {
            _ if self.keys.len() != 1 => SEVERAL_KEYS,
            KeyType::Transaction => 1,
            KeyType::Group => VERSIONS.min,
        }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        if version < SEVERAL_KEYS {
            out.string(self.keys.first().map_or("", String::as_str));
        }
        if version >= 1 {
            out.i8(self.key_type as i8);
        }
        if version >= SEVERAL_KEYS {
            out.strings(&self.keys);
        }
        out.tags();
    }
}

impl FindCoordinatorResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<FindCoordinatorResponse, DecodeError> {
        let throttle_time_ms = if version >= 1 { input.i32()? } else { 0 };
        let coordinators = if version >= SEVERAL_KEYS {
            input.array(SMALLEST_COORDINATOR, decode_one_of_several)?
        } else {
            vec![decode_only(version, input)?]
        };
        input.tags()?;
        Ok(FindCoordinatorResponse { throttle_time_ms, coordinators })
    }
}

fn decode_only(version: i16, input: &mut Reader) -> Result<FoundCoordinator, DecodeError> {
    Ok(FoundCoordinator {
        key: String::new(),
        error: input.error()?,
        error_message: if version >= 1 { input.nullable_string()? } else { None },
        node_id: input.i32()?,
        host: input.string()?,
        port: input.i32()?,
    })
}

fn decode_one_of_several(input: &mut Reader) -> Result<FoundCoordinator, DecodeError> {
    Ok(FoundCoordinator {
        key: input.string()?,
        node_id: input.i32()?,
        host: input.string()?,
        port: input.i32()?,
        error: input.error()?,
        error_message: input.nullable_string()?,
    })
}

/// First version with several keys (KIP-699).
const SEVERAL_KEYS: i16 = 4;
/// Bytes of a coordinator, at least.
const SMALLEST_COORDINATOR: usize = 14;
