//! StreamsGroupDescribe (key 89, KIP-1071): the state, the topology and the members of groups of Kafka Streams.

use super::{DecodeError, ErrorCode, Reader, VersionRange, Writer};

/// Versions that we speak.
pub const VERSIONS: VersionRange = VersionRange { min: 0, max: 0 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 0;

/// StreamsGroupDescribe request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamsGroupDescribeRequest {
    /// The groups.
    pub groups: Vec<String>,
}

/// StreamsGroupDescribe response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamsGroupDescribeResponse {
    /// KIP-219 throttle.
    pub throttle_time_ms: i32,
    /// Per group.
    pub groups: Vec<DescribedStreamsGroup>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedStreamsGroup {
    /// The result.
    pub error: ErrorCode,
    /// The broker's words.
    pub error_message: Option<String>,
    /// The group.
    pub group_id: String,
    /// `Stable`, `NotReady` (its topics are missing), `Assigning`, `Reconciling`, `Empty`, `Dead`.
    pub state: String,
    /// Goes up with each change of members, topology and topics.
    pub group_epoch: i32,
    /// The epoch that the target assignment was made for.
    pub assignment_epoch: i32,
    /// What the group's program is made of; None while nobody has said so.
    pub topology: Option<Topology>,
    /// Its members.
    pub members: Vec<StreamsGroupMember>,
}

/// What a program of Kafka Streams is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Topology {
    /// Goes up with each change of the program.
    pub epoch: i32,
    /// Its parts. Empty also while the group's topics are missing.
    pub subtopologies: Vec<Subtopology>,
}

/// A part of a program, which has as many tasks as the largest of its topics has partitions. The n-th task reads their n-th partitions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Subtopology {
    /// Its name within the topology.
    pub subtopology_id: String,
    /// The topics that it reads.
    pub source_topics: Vec<String>,
    /// The topics that it writes for others of the topology.
    pub repartition_sink_topics: Vec<String>,
    /// The topics that keep its state.
    pub state_changelog_topics: Vec<String>,
    /// The topics that it reads of others of the topology.
    pub repartition_source_topics: Vec<String>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamsGroupMember {
    /// Member id.
    pub member_id: String,
    /// Its epoch.
    pub member_epoch: i32,
    /// Static membership.
    pub group_instance_id: Option<String>,
    /// Its rack.
    pub rack_id: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client host.
    pub client_host: String,
    /// Of the topology that it runs.
    pub topology_epoch: i32,
    /// Which process it is in.
    pub process_id: String,
    /// What it does.
    pub assignment: Tasks,
    /// What it is to do.
    pub target: Tasks,
    /// Is it a member of the classic protocol?
    pub is_classic: bool,
}

/// Tasks of a member.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tasks {
    /// Those that read.
    pub active: Vec<TaskIds>,
    /// Those that keep a copy of another's state.
    pub standby: Vec<TaskIds>,
    /// Those that build a copy up, to take over.
    pub warmup: Vec<TaskIds>,
}

/// Tasks of one subtopology.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskIds {
    /// Which.
    pub subtopology_id: String,
    /// Their numbers, which are those of partitions.
    pub partitions: Vec<i32>,
}

impl StreamsGroupDescribeRequest {
    pub(crate) fn encode(&self, _version: i16, out: &mut Writer) {
        out.strings(&self.groups);
        out.bool(false); // include_authorized_operations
        out.tags();
    }
}

impl StreamsGroupDescribeResponse {
    pub(crate) fn decode(
        _version: i16,
        input: &mut Reader,
    ) -> Result<StreamsGroupDescribeResponse, DecodeError> {
        let response = StreamsGroupDescribeResponse {
            throttle_time_ms: input.i32()?,
            groups: input.array(20, DescribedStreamsGroup::decode)?,
        };
        input.tags()?;
        Ok(response)
    }
}

impl DescribedStreamsGroup {
    fn decode(input: &mut Reader) -> Result<DescribedStreamsGroup, DecodeError> {
        let group = DescribedStreamsGroup {
            error: input.error()?,
            error_message: input.nullable_string()?,
            group_id: input.string()?,
            state: input.string()?,
            group_epoch: input.i32()?,
            assignment_epoch: input.i32()?,
            topology: nullable(input, Topology::decode)?,
            members: input.array(27, StreamsGroupMember::decode)?,
        };
        input.i32()?; // authorized_operations
        Ok(group)
    }
}

impl Topology {
    fn decode(input: &mut Reader) -> Result<Topology, DecodeError> {
        Ok(Topology {
            epoch: input.i32()?,
            subtopologies: input.array(6, |input| {
                Ok(Subtopology {
                    subtopology_id: input.string()?,
                    source_topics: input.strings()?,
                    repartition_sink_topics: input.strings()?,
                    state_changelog_topics: decode_names(input)?,
                    repartition_source_topics: decode_names(input)?,
                })
            })?,
        })
    }
}

impl StreamsGroupMember {
    fn decode(input: &mut Reader) -> Result<StreamsGroupMember, DecodeError> {
        let mut member = StreamsGroupMember {
            member_id: input.string()?,
            member_epoch: input.i32()?,
            group_instance_id: input.nullable_string()?,
            rack_id: input.nullable_string()?,
            client_id: input.string()?,
            client_host: input.string()?,
            topology_epoch: input.i32()?,
            process_id: input.string()?,
            ..Default::default()
        };
        // Where others reach it.
        nullable(input, |input| {
            input.string()?;
            input.i16()
        })?;
        skip_pairs(input)?; // client_tags
        for _ in 0..2 {
            // task_offsets, task_end_offsets
            input.array(14, |input| {
                input.string()?;
                input.i32()?;
                input.i64()
            })?;
        }
        member.assignment = Tasks::decode(input)?;
        member.target = Tasks::decode(input)?;
        member.is_classic = input.bool()?;
        Ok(member)
    }
}

impl Tasks {
    fn decode(input: &mut Reader) -> Result<Tasks, DecodeError> {
        let ids = |input: &mut Reader| {
            input.array(3, |input| Ok(TaskIds { subtopology_id: input.string()?, partitions: input.i32s()? }))
        };
        let tasks = Tasks { active: ids(input)?, standby: ids(input)?, warmup: ids(input)? };
        input.tags()?;
        Ok(tasks)
    }
}

/// A struct that may be null has a byte in front of it: -1 for null.
fn nullable<T>(
    input: &mut Reader,
    read: impl FnOnce(&mut Reader) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    if input.i8()? < 0 {
        return Ok(None);
    }
    let value = read(input)?;
    input.tags()?;
    Ok(Some(value))
}

/// The names of topics that are there with all that they are made by.
fn decode_names(input: &mut Reader) -> Result<Vec<String>, DecodeError> {
    input.array(9, |input| {
        let name = input.string()?;
        input.i32()?; // partitions
        input.i16()?; // replication_factor
        skip_pairs(input)?; // topic_configs
        Ok(name)
    })
}

/// Pairs of texts.
fn skip_pairs(input: &mut Reader) -> Result<(), DecodeError> {
    input.array(3, |input| {
        input.string()?;
        input.string()?;
        Ok(())
    })?;
    Ok(())
}
