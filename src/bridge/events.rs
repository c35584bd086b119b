//! Events of the engine as objects of `native.d.ts`, made on the JavaScript thread.

use napi::bindgen_prelude::{Buffer, Object};
use napi::{Env, JsValue, Result};

use crate::engine::clients::consumer::Event;
use crate::engine::clients::consumer::Joined;
use crate::engine::machine::Failure;
use crate::engine::machine::TopicPartition;
use crate::engine::network::NetworkEvent;

use super::options::NativeTopicPartitions;
use super::{answers, failure};

/// What crosses to the facade.
pub(super) enum ConsumerEvent {
    Engine(Event),
    Bug(String),
    /// To a question of JavaScript's.
    Answered {
        ticket: u64,
        failure: Option<Failure>,
    },
    /// There may be something to take.
    Wake,
}

pub(super) fn consumer_event<'env>(env: &'env Env, event: ConsumerEvent) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    let event = match event {
        ConsumerEvent::Engine(event) => event,
        ConsumerEvent::Bug(message) => {
            object.set("type", "crash")?;
            object.set("error", failure::bug(env, &message)?)?;
            return Ok(object);
        }
        ConsumerEvent::Answered { ticket, failure } => {
            object.set("type", "answered")?;
            object.set("ticket", ticket as f64)?;
            object.set("failure", failure.map(|failure| failure::failure(env, &failure)).transpose()?)?;
            return Ok(object);
        }
        // Not worth an object.
        ConsumerEvent::Wake => return Ok(object),
    };
    match event {
        Event::Log(log) => return log_line(env, log.level as i32, log.namespace, log.message, log.extra),
        Event::ProtocolsNeeded { job, topics } => {
            object.set("type", "protocols")?;
            object.set("job", job as f64)?;
            object.set("topics", topics)?;
        }
        Event::AssignmentNeeded { job, protocol, members, metadata } => {
            object.set("type", "assign")?;
            object.set("job", job as f64)?;
            object.set("protocol", protocol)?;
            let members = members.into_iter().map(|member| {
                let mut object = Object::new(env)?;
                object.set("memberId", member.member_id)?;
                object.set("groupInstanceId", member.group_instance_id)?;
                object.set("memberMetadata", Buffer::from(member.metadata.to_vec()))?;
                Ok(object)
            });
            object.set("members", members.collect::<Result<Vec<_>>>()?)?;
            object.set("metadata", answers::metadata(env, metadata)?)?;
        }
        Event::PartitionsUnknown { member_id, generation_id, topic, known, assigned } => {
            object.set("type", "partitions_unknown")?;
            object.set("memberId", member_id)?;
            object.set("generationId", generation_id)?;
            object.set("topic", topic)?;
            object.set("knownPartitions", known)?;
            object.set("assignedPartitions", assigned)?;
        }
        Event::Joined(joined) => self::joined(&mut object, *joined)?,
        Event::HookNeeded { job, hook, partitions } => {
            object.set("type", "hook")?;
            object.set("job", job as f64)?;
            object.set("hook", hook.name())?;
            object.set("partitions", partitions_by_topic(partitions))?;
        }
        Event::Rebalancing { member_id, code } => {
            object.set("type", "rebalancing")?;
            object.set("memberId", member_id)?;
            object.set("code", code.0)?;
        }
        Event::Heartbeat { member_id, generation_id } => {
            object.set("type", "heartbeat")?;
            object.set("memberId", member_id)?;
            object.set("generationId", generation_id)?;
        }
        Event::Committed { member_id, generation_id, ticket, automatic, offsets } => {
            object.set("type", "committed")?;
            object.set("memberId", member_id)?;
            object.set("generationId", generation_id)?;
            object.set("ticket", ticket.map(|ticket| ticket as f64))?;
            object.set("automatic", automatic)?;
            object.set("offsets", answers::offsets(env, offsets)?)?;
        }
        Event::TopicUpdated { topic, unknown } => {
            object.set("type", "topic_updated")?;
            object.set("topic", &*topic)?;
            object.set("unknownPartitions", unknown)?;
        }
        Event::Dropped(number) => {
            object.set("type", "dropped")?;
            object.set("kept", number)?;
        }
        Event::FollowerNamed { partition: TopicPartition { topic, partition }, node } => {
            object.set("type", "follower_named")?;
            object.set("topic", &*topic)?;
            object.set("partition", partition)?;
            object.set("nodeId", node)?;
        }
        Event::FetchStart { node } => {
            object.set("type", "fetch_start")?;
            object.set("nodeId", node)?;
        }
        Event::FetchEnd { node, duration } => {
            object.set("type", "fetch")?;
            object.set("nodeId", node)?;
            object.set("duration", duration.as_millis() as f64)?;
            object.set("numberOfBatches", 0)?;
        }
        Event::Unreadable { failure, batch } => {
            object.set("type", "unreadable")?;
            object.set("error", failure::failure(env, &failure)?)?;
            object.set("bytes", Buffer::from(batch.bytes.to_vec()))?;
            object.set("next", batch.next.to_string())?;
        }
        Event::Crashed(error) => {
            object.set("type", "crash")?;
            object.set("error", failure::failure(env, &error)?)?;
        }
        // These stay on our side: the driver consumes them.
        Event::Brokers(_)
        | Event::News(_)
        | Event::Renew(_)
        | Event::CommitDone { .. }
        | Event::HeartbeatDone { .. }
        | Event::Stopped => {}
    }
    Ok(object)
}

fn joined(object: &mut Object<'_>, joined: Joined) -> Result<()> {
    let partitions = |assignment: Vec<(String, Vec<i32>)>| -> Vec<NativeTopicPartitions> {
        let topics = assignment.into_iter();
        topics.map(|(topic, partitions)| NativeTopicPartitions { topic, partitions }).collect()
    };
    object.set("type", "joined")?;
    object.set("duration", joined.duration.as_millis() as f64)?;
    object.set("isLeader", joined.is_leader)?;
    object.set("leaderId", joined.leader_id)?;
    object.set("memberId", joined.member_id)?;
    object.set("generationId", joined.generation_id)?;
    object.set("groupProtocol", joined.protocol)?;
    object.set("assignment", partitions(joined.assignment))?;
    object.set("assignedTopics", joined.assigned_topics)
}

/// A log line. Numbers travel as strings.
pub(super) fn log_line<'env>(
    env: &'env Env,
    level: i32,
    namespace: &str,
    message: String,
    extra: Vec<(&'static str, String)>,
) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("type", "log")?;
    object.set("level", level)?;
    object.set("namespace", namespace)?;
    object.set("message", message)?;
    let extra = extra.into_iter().map(|(name, value)| vec![name.to_owned(), value]);
    object.set("extra", extra.collect::<Vec<_>>())?;
    Ok(object)
}

/// Partitions grouped by topic, in the order in which topics first appear.
pub(super) fn partitions_by_topic(partitions: Vec<TopicPartition>) -> Vec<NativeTopicPartitions> {
    let mut topics: Vec<NativeTopicPartitions> = Vec::new();
    for TopicPartition { topic, partition } in partitions {
        match topics.iter_mut().find(|other| *other.topic == *topic) {
            Some(other) => other.partitions.push(partition),
            None => {
                topics.push(NativeTopicPartitions { topic: topic.to_string(), partitions: vec![partition] })
            }
        }
    }
    topics
}

/// What the network tells.
pub(super) fn network_event<'env>(env: &'env Env, event: NetworkEvent) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    match event {
        NetworkEvent::Request {
            broker,
            client_id,
            correlation_id,
            size,
            created_at,
            sent_at,
            pending_duration,
            duration,
            api_name,
            api_key,
            api_version,
        } => {
            object.set("type", "request")?;
            object.set("broker", &*broker)?;
            object.set("clientId", &*client_id)?;
            object.set("correlationId", correlation_id)?;
            object.set("size", size as f64)?;
            object.set("createdAt", created_at as f64)?;
            object.set("sentAt", sent_at as f64)?;
            object.set("pendingDuration", pending_duration as f64)?;
            object.set("duration", duration as f64)?;
            object.set("apiName", api_name)?;
            object.set("apiKey", i32::from(api_key))?;
            object.set("apiVersion", i32::from(api_version))?;
        }
        NetworkEvent::RequestTimeout {
            broker,
            client_id,
            correlation_id,
            created_at,
            sent_at,
            pending_duration,
            api_name,
            api_key,
            api_version,
        } => {
            object.set("type", "request_timeout")?;
            object.set("broker", &*broker)?;
            object.set("clientId", &*client_id)?;
            object.set("correlationId", correlation_id)?;
            object.set("createdAt", created_at as f64)?;
            object.set("sentAt", sent_at as f64)?;
            object.set("pendingDuration", pending_duration as f64)?;
            object.set("apiName", api_name)?;
            object.set("apiKey", i32::from(api_key))?;
            object.set("apiVersion", i32::from(api_version))?;
        }
        NetworkEvent::RequestQueueSize { broker, client_id, queue_size } => {
            object.set("type", "request_queue_size")?;
            object.set("broker", &*broker)?;
            object.set("clientId", &*client_id)?;
            object.set("queueSize", queue_size as f64)?;
        }
        NetworkEvent::Authenticate { session, host, port, mechanism } => {
            object.set("type", "authenticate")?;
            object.set("session", session as f64)?;
            object.set("host", host)?;
            object.set("port", i32::from(port))?;
            object.set("mechanism", mechanism)?;
        }
        NetworkEvent::NotOpened => object.set("type", "not_opened")?,
        NetworkEvent::CredentialsRefused { refusal } => {
            object.set("type", "credentials_refused")?;
            object.set("refusal", refusal as f64)?;
        }
        NetworkEvent::CheckServerIdentity { check, servername, chain } => {
            object.set("type", "check_server_identity")?;
            object.set("check", check as f64)?;
            object.set("servername", servername)?;
            let chain = chain.into_iter().map(|certificate| Buffer::from(certificate.to_vec()));
            object.set("chain", chain.collect::<Vec<_>>())?;
        }
        NetworkEvent::LookUp { lookup, host } => {
            object.set("type", "look_up")?;
            object.set("lookup", lookup as f64)?;
            object.set("host", host)?;
        }
        NetworkEvent::Unreachable => object.set("type", "unreachable")?,
        NetworkEvent::Log { level, namespace, message, extra } => {
            return log_line(env, level as i32, namespace, message, extra);
        }
    }
    Ok(object)
}

/// napi hands the value to the call at once; the type of a call's argument just cannot say so.
pub(super) fn extend(object: Object<'_>) -> Object<'static> {
    let value = object.value();
    Object::from_raw(value.env, value.value)
}
