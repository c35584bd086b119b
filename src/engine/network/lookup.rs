//! From names to addresses: the system's resolver, or that of the program, which is asked outside.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use crate::engine::machine::NetError;

use super::deadline::within;
use super::dial::{Address, connect_error, connection_timeout, node_code};
use super::events::{Events, NetworkEvent};
use super::questions::Questions;
use super::threads::blocking;

/// Why a name has no addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What users are told.
    pub message: String,
    /// The error's code, if it has one (`ENOTFOUND`).
    pub code: Option<String>,
}

/// The questions of one network about names.
pub(super) struct Lookups {
    events: Events,
    /// Are they asked outside?
    outside: bool,
    questions: Questions<Result<Vec<IpAddr>, UnknownName>>,
}

impl Lookups {
    pub(super) fn new(events: Events, outside: bool) -> Lookups {
        Lookups { events, outside, questions: Questions::new() }
    }

    /// The addresses of `endpoint`, best first; the errors name `address`. The system gets `limit`. That JavaScript is busy
    /// says nothing about a name: there it takes as long as a connection may take to open.
    pub(super) async fn addresses(
        &self,
        address: &Address,
        endpoint: &Address,
        limit: Duration,
    ) -> Result<Vec<IpAddr>, NetError> {
        let host = endpoint.bare_host();
        if let Ok(literal) = host.parse() {
            return Ok(vec![literal]);
        }
        if self.outside {
            return self.ask(address, host).await;
        }
        match within(limit, ask_system(host.to_owned())).await {
            Err(_) => Err(connection_timeout(address)),
            Ok(Err(error)) => Err(lookup_error(address, endpoint, &error)),
            Ok(Ok(found)) => Ok(found),
        }
    }

    async fn ask(&self, address: &Address, host: &str) -> Result<Vec<IpAddr>, NetError> {
        let host = host.to_owned();
        let emit = |lookup| self.events.emit(NetworkEvent::LookUp { lookup, host });
        let nobody = || UnknownName { message: "nobody knows the name".to_owned(), code: None };
        let answer = self.questions.ask(emit).await.unwrap_or_else(|| Err(nobody()));
        answer.map_err(|UnknownName { message, code }| NetError::Connect {
            broker: address.broker(),
            code: code.map(Into::into),
            message: format!("Connection error: {message}"),
        })
    }

    pub(super) fn answer(&self, lookup: u64, addresses: Result<Vec<IpAddr>, UnknownName>) {
        self.questions.answer(lookup, addresses);
    }
}

async fn ask_system(host: String) -> io::Result<Vec<IpAddr>> {
    let look_up = move || Ok((host, 0).to_socket_addrs()?.map(|found| found.ip()).collect());
    blocking("kafkars-names", look_up).await?
}

/// Node's words for a name without addresses.
pub(super) fn lookup_error(address: &Address, endpoint: &Address, error: &io::Error) -> NetError {
    // The system gives a text, not a code; but for what this process lacks.
    let text = error.to_string();
    let is_temporary = TEMPORARY.iter().any(|words| text.contains(words));
    let code = node_code(error).unwrap_or(if is_temporary { "EAI_AGAIN" } else { "ENOTFOUND" });
    connect_error(address, Some(code), format_args!("getaddrinfo {code} {}", endpoint.host))
}

/// What `gai_strerror(EAI_AGAIN)` says: of glibc and macOS, of musl.
const TEMPORARY: [&str; 2] = ["emporary failure", "Try again"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_that_does_not_answer_is_none_that_knows_no_name() {
        let address = Address { host: "b".to_owned(), port: 9092 };
        let code = |text: &str| match lookup_error(&address, &address, &io::Error::other(text.to_owned())) {
            NetError::Connect { code, .. } => code.unwrap_or_default().into_owned(),
            other => panic!("{other:?}"),
        };
        let failed = "failed to lookup address information: ";
        assert_eq!(code(&format!("{failed}Temporary failure in name resolution")), "EAI_AGAIN");
        assert_eq!(code(&format!("{failed}Try again")), "EAI_AGAIN");
        assert_eq!(code(&format!("{failed}Name does not resolve")), "ENOTFOUND");
        assert_eq!(code(&format!("{failed}Name or service not known")), "ENOTFOUND");
    }
}
