//! Calls that several brokers have to answer, each for its own parts.

use std::time::Duration;

use crate::engine::clients::admin::call::{Asked, Call, Found, Recipient};
use crate::engine::machine::Failure;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::api::Body;

use super::OUT_OF_STEP;

/// What one broker has said of its parts, or why it was not asked or did not answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<R> {
    /// The node id; None = any broker, or one that was not found.
    pub broker: Option<i32>,
    /// What it was asked for: positions in the list that the call was given.
    pub parts: Vec<usize>,
    /// Its answer.
    pub answer: Result<R, Failure>,
}

/// Makes the request for these parts.
type Requests = Box<dyn Fn(&[usize]) -> Request + Send>;

/// Answers what each broker says of its parts. A broker that is down fails its own parts, and no others.
pub struct Spread<R> {
    recipients: Vec<Recipient>,
    request: Requests,
    held: Duration,
    told: Vec<Told<R>>,
}

impl<R: Body> Spread<R> {
    /// A part for each recipient. `request` makes the request for the parts of one broker, by their positions; the answer to it
    /// has to be an `R`.
    pub fn new<Q: Into<Request>>(
        recipients: Vec<Recipient>,
        request: impl Fn(&[usize]) -> Q + Send + 'static,
    ) -> Spread<R> {
        let request = Box::new(move |parts: &[usize]| request(parts).into());
        Spread { recipients, request, held: Duration::ZERO, told: Vec::new() }
    }

    /// See [`super::Ask::held_for`].
    pub fn held_for(self, timeout_ms: i32) -> Spread<R> {
        Spread { held: Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)), ..self }
    }
}

impl<R: Body + Send + 'static> Call for Spread<R> {
    type Part = usize;
    type Answer = Vec<Told<R>>;

    fn parts(&mut self) -> Vec<(Recipient, usize)> {
        std::mem::take(&mut self.recipients).into_iter().zip(0..).collect()
    }

    fn held(&self) -> Duration {
        self.held
    }

    fn request(&mut self, asked: &Asked<usize>, _: &Found) -> Request {
        (self.request)(&asked.parts)
    }

    fn response(&mut self, asked: Asked<usize>, response: Response) -> Result<(), Failure> {
        let Asked { broker, parts } = asked;
        self.told.push(Told { broker, parts, answer: R::of(response).ok_or(OUT_OF_STEP) });
        Ok(())
    }

    fn failed(&mut self, asked: Asked<usize>, failure: Failure) -> Result<(), Failure> {
        let Asked { broker, parts } = asked;
        self.told.push(Told { broker, parts, answer: Err(failure) });
        Ok(())
    }

    fn answer(self) -> Result<Vec<Told<R>>, Failure> {
        Ok(self.told)
    }
}

/// Those of `list` at these positions.
pub(super) fn at<'a, T>(list: &'a [T], parts: &'a [usize]) -> impl Iterator<Item = &'a T> {
    parts.iter().filter_map(|part| list.get(*part))
}

/// `(topic, x)`s as topics of `x`s, as requests have them: those of one topic together, in the order in which topics come first.
pub(super) fn by_topic<'a, X>(entries: impl Iterator<Item = (&'a str, X)>) -> Vec<(String, Vec<X>)> {
    let mut topics: Vec<(String, Vec<X>)> = Vec::new();
    let mut places: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for (topic, x) in entries {
        let place = *places.entry(topic).or_insert_with(|| {
            topics.push((topic.to_owned(), Vec::new()));
            topics.len() - 1
        });
        if let Some((_, of_topic)) = topics.get_mut(place) {
            of_topic.push(x);
        }
    }
    topics
}
