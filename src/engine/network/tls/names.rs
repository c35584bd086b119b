//! Whether a certificate has a name, as far as that is beyond doubt. Never more than Node's `checkServerIdentity` finds, which
//! is asked about the rest: common names, wildcards within a label, other alphabets.

use std::net::IpAddr;

use openssl::x509::X509Ref;

/// Is `name` an alternative name of this certificate?
pub(super) fn is_for(certificate: &X509Ref, name: &str) -> bool {
    let Some(alternatives) = certificate.subject_alt_names() else { return false };
    match name.parse::<IpAddr>() {
        Ok(ip) => alternatives.iter().any(|one| one.ipaddress().is_some_and(|bytes| is_same_ip(bytes, ip))),
        Err(_) => alternatives.iter().any(|one| one.dnsname().is_some_and(|pattern| matches(pattern, name))),
    }
}

fn is_same_ip(bytes: &[u8], ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => bytes == ip.octets(),
        IpAddr::V6(ip) => bytes == ip.octets(),
    }
}

/// The same name, or one label in the place of a `*` before two others at least.
fn matches(pattern: &str, name: &str) -> bool {
    if !is_plain(name) {
        return false;
    }
    if pattern.eq_ignore_ascii_case(name) {
        return true;
    }
    let (Some(parent), Some((_, rest))) = (pattern.strip_prefix("*."), name.split_once('.')) else {
        return false;
    };
    is_plain(parent) && parent.contains('.') && parent.eq_ignore_ascii_case(rest)
}

/// Labels of letters, digits and hyphens, none empty.
fn is_plain(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_one_label_in_front_of_it() {
        for (pattern, name) in [
            ("kafka.example", "kafka.example"),
            ("Kafka.Example", "kafka.EXAMPLE"),
            ("localhost", "localhost"),
            ("*.kafka.example", "b1.kafka.example"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("kafka.example", "b1.kafka.example"),
            ("*.kafka.example", "kafka.example"),
            ("*.kafka.example", ".kafka.example"),
            ("*.kafka.example", "a.b1.kafka.example"),
            ("*.kafka.example", "*.kafka.example"),
            ("b*.kafka.example", "b1.kafka.example"),
            ("*.example", "kafka.example"),
            ("*.*.example", "a.*.example"),
            ("*", "kafka"),
            ("*.", "kafka."),
            ("", ""),
            ("a b", "a b"),
            ("kafka.example.", "kafka.example."),
            ("kafka.example", "kafka.example\0"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
