//! DescribeLogDirs (key 35): a broker's directories, and how large its partitions are.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak. 3 = an error of the whole, 4 = the sizes of the disks (KIP-827), 5 = directories that get no new partitions
/// (KIP-1066).
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 5 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 2;

/// DescribeLogDirs request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogDirsRequest {
    /// Topic → partitions; null = all.
    pub topics: Option<Vec<(String, Vec<i32>)>>,
}

/// DescribeLogDirs response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogDirsResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Of the whole (v3).
    pub error: ErrorCode,
    /// The directories.
    pub log_dirs: Vec<LogDir>,
}

/// One directory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogDir {
    /// The result.
    pub error: ErrorCode,
    /// Its path.
    pub path: String,
    /// Topic → partitions.
    pub topics: Vec<(String, Vec<LogDirPartition>)>,
    /// The disk's size (v4), -1 when not told.
    pub total_bytes: i64,
    /// What is free of it (v4), -1 when not told.
    pub usable_bytes: i64,
    /// Does it get no new partitions (v5)? None when not told.
    pub is_cordoned: Option<bool>,
}

/// One partition's log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogDirPartition {
    /// Partition.
    pub partition: i32,
    /// Bytes of all its segments.
    pub size: i64,
    /// How many records it is behind.
    pub offset_lag: i64,
    /// It is on its way here from another directory.
    pub is_future: bool,
}

impl DescribeLogDirsRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.nullable_array(&self.topics, |out, (topic, partitions)| {
            out.string(topic);
            out.i32s(partitions);
        });
        out.tags();
    }
}

impl DescribeLogDirsResponse {
    pub(crate) fn decode(version: i16, input: &mut Reader) -> Result<DescribeLogDirsResponse, DecodeError> {
        let response = DescribeLogDirsResponse {
            throttle_time_ms: input.i32()?,
            error: if version >= 3 { input.error()? } else { ErrorCode::NONE },
            log_dirs: input.array(5, |input| LogDir::decode(version, input))?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl LogDir {
    fn decode(version: i16, input: &mut Reader) -> Result<LogDir, DecodeError> {
        Ok(LogDir {
            error: input.error()?,
            path: input.string()?,
            topics: input.array(3, |input| {
                let topic = input.string()?;
                let partitions = input.array(21, |input| {
                    Ok(LogDirPartition {
                        partition: input.i32()?,
                        size: input.i64()?,
                        offset_lag: input.i64()?,
                        is_future: input.bool()?,
                    })
                })?;
                Ok((topic, partitions))
            })?,
            total_bytes: if version >= 4 { input.i64()? } else { -1 },
            usable_bytes: if version >= 4 { input.i64()? } else { -1 },
            is_cordoned: if version >= 5 { Some(input.bool()?) } else { None },
        })
    }
}
