//! What OpenSSL has to object, in Node's codes and words.

use std::borrow::Cow;
use std::io;

use openssl::error::ErrorStack;
use openssl::ssl::{Error, ErrorCode};
use openssl::x509::X509VerifyResult;

use crate::engine::network::dial::node_code;

/// A code and words for people.
pub(in crate::engine::network) type Reason = (Option<Cow<'static, str>>, String);

/// Why a certificate is not trusted.
pub(super) fn of_certificate(verdict: X509VerifyResult) -> Reason {
    let words = verdict.error_string();
    let code = VERDICTS.iter().find(|(number, _)| *number == verdict.as_raw());
    let code = code.map_or("UNSPECIFIED", |(_, code)| *code);
    let message = if UNTRUSTED.contains(&code) {
        // The message says what to do, because with these codes nearly always a private CA is missing in `ssl.ca`, or another one is in it.
        format!("{words}: ssl.ca has to have the CA that has signed it, unless that is a public one")
    } else {
        words.to_owned()
    };
    (Some(code.into()), message)
}

/// What ended a handshake, or a stream with TLS.
pub(super) fn of_tls(error: &Error) -> Reason {
    match (error.io_error(), first(error)) {
        (Some(error), _) => of_stream(error),
        (None, Some(first)) if is_of_ssl(first) && NOT_TLS.contains(&first.reason_code()) => {
            (Some("EPROTO".into()), "what came back is not TLS: is this a listener with TLS?".to_owned())
        }
        (None, Some(first)) => of_openssl(first),
        (None, None) => (None, error.to_string()),
    }
}

/// Why OpenSSL does not take what it is given.
pub(super) fn of_material(stack: &ErrorStack) -> String {
    let first = stack.errors().first().and_then(|error| error.reason());
    first.unwrap_or("OpenSSL cannot use it").to_owned()
}

/// An error of the stream below TLS, or of TLS on its way through a stream.
pub(super) fn of_stream(error: &io::Error) -> Reason {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => of_tls(error),
        None => match node_code(error) {
            Some(code) => (Some(code.into()), format!("read {code}")),
            None => (None, error.to_string()),
        },
    }
}

/// Has the peer gone without a word?
pub(super) fn is_end(error: &Error) -> bool {
    match (error.io_error(), first(error)) {
        (Some(error), _) => error.kind() == io::ErrorKind::UnexpectedEof,
        (None, Some(first)) => is_of_ssl(first) && first.reason_code() == UNEXPECTED_EOF,
        (None, None) => matches!(error.code(), ErrorCode::SYSCALL | ErrorCode::ZERO_RETURN),
    }
}

fn first(error: &Error) -> Option<&openssl::error::Error> {
    error.ssl_error().and_then(|stack| stack.errors().first())
}

fn is_of_ssl(error: &openssl::error::Error) -> bool {
    error.library_code() == LIBRARY_SSL
}

/// As Node makes its codes: `ERR_SSL_` and the reason.
fn of_openssl(error: &openssl::error::Error) -> Reason {
    let Some(reason) = error.reason() else { return (None, error.to_string()) };
    let library = if is_of_ssl(error) { "ERR_SSL_" } else { "ERR_OSSL_" };
    let code: String = reason
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    (Some(format!("{library}{code}").into()), reason.to_owned())
}

/// OpenSSL's numbers, and the names that Node gives them. It has none for the others.
const VERDICTS: [(i32, &str); 27] = [
    (2, "UNABLE_TO_GET_ISSUER_CERT"),
    (3, "UNABLE_TO_GET_CRL"),
    (4, "UNABLE_TO_DECRYPT_CERT_SIGNATURE"),
    (5, "UNABLE_TO_DECRYPT_CRL_SIGNATURE"),
    (6, "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY"),
    (7, "CERT_SIGNATURE_FAILURE"),
    (8, "CRL_SIGNATURE_FAILURE"),
    (9, "CERT_NOT_YET_VALID"),
    (10, "CERT_HAS_EXPIRED"),
    (11, "CRL_NOT_YET_VALID"),
    (12, "CRL_HAS_EXPIRED"),
    (13, "ERROR_IN_CERT_NOT_BEFORE_FIELD"),
    (14, "ERROR_IN_CERT_NOT_AFTER_FIELD"),
    (15, "ERROR_IN_CRL_LAST_UPDATE_FIELD"),
    (16, "ERROR_IN_CRL_NEXT_UPDATE_FIELD"),
    (17, "OUT_OF_MEM"),
    (18, "DEPTH_ZERO_SELF_SIGNED_CERT"),
    (19, "SELF_SIGNED_CERT_IN_CHAIN"),
    (20, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
    (21, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    (22, "CERT_CHAIN_TOO_LONG"),
    (23, "CERT_REVOKED"),
    (25, "PATH_LENGTH_EXCEEDED"),
    (26, "INVALID_PURPOSE"),
    (27, "CERT_UNTRUSTED"),
    (28, "CERT_REJECTED"),
    (79, "INVALID_CA"),
];

const UNTRUSTED: [&str; 4] = [
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

/// `ERR_LIB_SSL`
const LIBRARY_SSL: i32 = 20;
/// `SSL_R_UNEXPECTED_EOF_WHILE_READING`
const UNEXPECTED_EOF: i32 = 294;
/// `SSL_R_HTTPS_PROXY_REQUEST`, `_HTTP_REQUEST`, `_PACKET_LENGTH_TOO_LONG`, `_WRONG_VERSION_NUMBER`, `_BAD_RECORD_TYPE`: the
/// first bytes are no record.
const NOT_TLS: [i32; 5] = [155, 156, 198, 267, 443];
