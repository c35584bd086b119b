//! Calls that are one request to one broker, and whose answer is the broker's.

use std::time::Duration;

use crate::engine::clients::admin::call::{Asked, Call, Found, Recipient};
use crate::engine::machine::Failure;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::api::Body;

use super::OUT_OF_STEP;

/// Answers what the broker says. What it has against the request stands in that.
pub struct Ask<R> {
    to: Recipient,
    request: Request,
    held: Duration,
    answer: Option<R>,
}

impl<R: Body> Ask<R> {
    /// The answer to this request has to be an `R`.
    pub fn new(to: Recipient, request: impl Into<Request>) -> Ask<R> {
        Ask { to, request: request.into(), held: Duration::ZERO, answer: None }
    }

    /// A request that the broker may hold back for as long as it was told to, `timeout_ms`: until replicas have followed, for
    /// instance.
    pub fn held_for(self, timeout_ms: i32) -> Ask<R> {
        Ask { held: Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)), ..self }
    }
}

impl<R: Body + Send + 'static> Call for Ask<R> {
    type Part = ();
    type Answer = R;

    fn parts(&mut self) -> Vec<(Recipient, ())> {
        vec![(self.to.clone(), ())]
    }

    fn held(&self) -> Duration {
        self.held
    }

    fn request(&mut self, _: &Asked<()>, _: &Found) -> Request {
        self.request.clone()
    }

    fn response(&mut self, _: Asked<()>, response: Response) -> Result<(), Failure> {
        self.answer = Some(R::of(response).ok_or(OUT_OF_STEP)?);
        Ok(())
    }

    fn answer(self) -> Result<R, Failure> {
        self.answer.ok_or(OUT_OF_STEP)
    }
}
