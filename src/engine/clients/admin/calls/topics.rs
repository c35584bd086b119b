//! Topics are made, made larger and deleted by the controller.

use crate::engine::clients::admin::call::Recipient;
use crate::engine::protocol::create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse};
use crate::engine::protocol::create_topics::{CreateTopicsRequest, CreateTopicsResponse};
use crate::engine::protocol::delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};

use super::Ask;

/// Makes topics.
pub fn create_topics(request: CreateTopicsRequest) -> Ask<CreateTopicsResponse> {
    let timeout_ms = request.timeout_ms;
    Ask::new(Recipient::Controller, request).held_for(timeout_ms)
}

/// Deletes topics.
pub fn delete_topics(request: DeleteTopicsRequest) -> Ask<DeleteTopicsResponse> {
    let timeout_ms = request.timeout_ms;
    Ask::new(Recipient::Controller, request).held_for(timeout_ms)
}

/// Gives topics more partitions.
pub fn create_partitions(request: CreatePartitionsRequest) -> Ask<CreatePartitionsResponse> {
    let timeout_ms = request.timeout_ms;
    Ask::new(Recipient::Controller, request).held_for(timeout_ms)
}
