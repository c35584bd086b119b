//! How far a consumer is, and how it is, as objects of `native.d.ts`. Times are ms that have passed; offsets are text.

use std::time::Duration;

use napi_derive::napi;

use crate::engine::clients::consumer::{Health, PartitionHealth, Progress, Wait};

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeProgress {
    pub topic: String,
    pub partition: i32,
    pub position: Option<String>,
    pub leader_epoch: Option<i32>,
    pub committed: Option<String>,
    pub high_watermark: Option<String>,
    pub last_stable_offset: Option<String>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeWait {
    pub reason: String,
    pub lasted: Option<f64>,
    pub topic: Option<String>,
    pub partition: Option<i32>,
    pub broker: Option<i32>,
    pub error: Option<String>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativePartitionHealth {
    pub progress: NativeProgress,
    pub is_paused: bool,
    pub wait: Option<NativeWait>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeHealth {
    pub state: String,
    pub member_id: Option<String>,
    pub generation_id: Option<i32>,
    pub last_heartbeat: Option<f64>,
    pub last_progress: Option<f64>,
    pub wait: Option<NativeWait>,
    pub partitions: Vec<NativePartitionHealth>,
}

impl From<Progress> for NativeProgress {
    fn from(progress: Progress) -> NativeProgress {
        let text = |offset: Option<i64>| offset.map(|offset| offset.to_string());
        NativeProgress {
            topic: progress.partition.topic.to_string(),
            partition: progress.partition.partition,
            position: text(progress.position),
            leader_epoch: progress.leader_epoch,
            committed: text(progress.committed),
            high_watermark: text(progress.high_watermark),
            last_stable_offset: text(progress.last_stable_offset),
        }
    }
}

impl From<Wait> for NativeWait {
    fn from(wait: Wait) -> NativeWait {
        NativeWait {
            reason: wait.reason.name().to_owned(),
            lasted: ms(wait.lasted),
            topic: wait.partition.as_ref().map(|partition| partition.topic.to_string()),
            partition: wait.partition.map(|partition| partition.partition),
            broker: wait.node,
            error: wait.error,
        }
    }
}

impl From<Health> for NativeHealth {
    fn from(health: Health) -> NativeHealth {
        let partitions =
            health.partitions.into_iter().map(|PartitionHealth { progress, is_paused, wait }| {
                NativePartitionHealth {
                    progress: progress.into(),
                    is_paused,
                    wait: wait.map(NativeWait::from),
                }
            });
        let membership = health.membership;
        NativeHealth {
            state: health.state.to_owned(),
            generation_id: membership.as_ref().map(|membership| membership.generation_id),
            member_id: membership.map(|membership| membership.member_id),
            last_heartbeat: ms(health.last_heartbeat),
            last_progress: ms(health.last_progress),
            wait: health.wait.map(NativeWait::from),
            partitions: partitions.collect(),
        }
    }
}

fn ms(duration: Option<Duration>) -> Option<f64> {
    duration.map(|duration| duration.as_millis() as f64)
}
