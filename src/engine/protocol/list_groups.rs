//! ListGroups (key 16): the groups that a broker coordinates.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 4 = states, 5 = types.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 5 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 3;

/// ListGroups request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListGroupsRequest {
    /// Only groups in one of these states (v4); empty = in any.
    pub states: Vec<String>,
    /// Only groups of one of these types (v5); empty = of any.
    pub types: Vec<String>,
}

/// ListGroups response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListGroupsResponse {
    /// KIP-219 throttle (v1).
    pub throttle_time_ms: i32,
    /// The result.
    pub error: ErrorCode,
    /// The groups.
    pub groups: Vec<ListedGroup>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListedGroup {
    /// The group.
    pub group_id: String,
    /// `consumer`, `share`, `connect`, …; empty when nobody has joined it yet.
    pub protocol_type: String,
    /// `Stable`, `Empty`, … (v4).
    pub state: String,
    /// `classic`, `consumer`, `share`, `streams` (v5).
    pub group_type: String,
}

impl ListGroupsRequest {
    /// The lowest version that can carry this request: older brokers would list all groups.
    pub fn min_version(&self) -> i16 {
        match (self.types.is_empty(), self.states.is_empty()) {
            (false, _) => FIRST_WITH_TYPES,
            (_, false) => FIRST_WITH_STATES,
            _ => VERSIONS.min,
        }
    }

    pub(crate) fn encode(&self, version: i16, out: &mut Writer) {
        if version >= FIRST_WITH_STATES {
            out.strings(&self.states);
        }
        if version >= FIRST_WITH_TYPES {
            out.strings(&self.types);
        }
        out.tags();
    }
}

impl ListGroupsResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<ListGroupsResponse, DecodeError> {
        let text = |input: &mut Reader, since| {
            if version >= since { input.string() } else { Ok(String::new()) }
        };
        let response = ListGroupsResponse {
            throttle_time_ms: if version >= 1 { input.i32()? } else { 0 },
            error: input.error()?,
            groups: input.array(3, |input| {
                Ok(ListedGroup {
                    group_id: input.string()?,
                    protocol_type: input.string()?,
                    state: text(input, FIRST_WITH_STATES)?,
                    group_type: text(input, FIRST_WITH_TYPES)?,
                })
            })?,
        };
        input.tags()?;
        Ok(response)
    }
}

/// KIP-518.
const FIRST_WITH_STATES: i16 = 4;
/// KIP-848.
const FIRST_WITH_TYPES: i16 = 5;
